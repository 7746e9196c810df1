namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteOptions
{
    public const string Section = "Storage:Sqlite";

    /// <summary>Empty: <c>smartlock.db</c> in <c>Data:Folder</c>.</summary>
    public string File { get; set; } = "";

    /// <summary>How long one write waits for another process that holds the file; no less than a second is waited (see <see cref="SqliteSession"/>).</summary>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a call waits for its turn, to write or for a reader.</summary>
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How many writes may wait at once; more are turned away.</summary>
    public int MaxQueuedWrites { get; set; } = 2_000;

    /// <summary>How many may read at once, each on a connection of its own.</summary>
    public int Readers { get; set; } = Math.Clamp(Environment.ProcessorCount * 2, 4, 16);

    public static string? Check(SqliteOptions options) => options switch
    {
        { Readers: < 1 or > 256 } => $"{Section}:Readers must be between 1 and 256.",
        { MaxQueuedWrites: < 1 or > 100_000 } => $"{Section}:MaxQueuedWrites must be between 1 and 100000.",
        _ when !IsPatience(options.BusyTimeout) => $"{Section}:BusyTimeout must be over 0 and at most 00:01:00.",
        _ when !IsPatience(options.QueueTimeout) => $"{Section}:QueueTimeout must be over 0 and at most 00:01:00.",
        _ => null,
    };

    private static bool IsPatience(TimeSpan time) => time > TimeSpan.Zero && time <= TimeSpan.FromMinutes(1);
}
