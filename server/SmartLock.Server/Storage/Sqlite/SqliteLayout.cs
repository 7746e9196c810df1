namespace SmartLock.Server.Storage.Sqlite;

/// <summary>What is in a file, and how it is known to be ours.</summary>
/// <param name="ApplicationId">In <c>PRAGMA application_id</c>.</param>
/// <param name="Scripts">See <see cref="SqliteSchema"/>.</param>
/// <param name="Setting">What an operator changes to have another file.</param>
internal sealed record SqliteLayout(int ApplicationId, IReadOnlyList<string> Scripts, string Setting)
{
    public static SqliteLayout Store { get; } = new(SqliteSchema.ApplicationId, SqliteSchema.Scripts, "Storage:Sqlite:File");

    /// <summary>"SLMQ": the embedded broker's sessions alone.</summary>
    public static SqliteLayout MqttSessions { get; } = new(0x534C4D51, [SqliteSchema.Mqtt], "Data:Folder");
}
