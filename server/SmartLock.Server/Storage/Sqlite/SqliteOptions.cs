namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteOptions
{
    public const string Section = "Storage:Sqlite";

    /// <summary>Empty: <c>smartlock.db</c> in <c>Data:Folder</c>.</summary>
    public string File { get; set; } = "";

    /// <summary>How long one write waits for another process that holds the file.</summary>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a call waits for its turn, to write or for a reader.</summary>
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How many writes may wait at once; more are turned away.</summary>
    public int MaxQueuedWrites { get; set; } = 2_000;

    public int Readers { get; set; } = Math.Clamp(Environment.ProcessorCount * 2, 4, 16);
}
