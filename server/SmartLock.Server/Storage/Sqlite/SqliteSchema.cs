namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// The tables, as numbered scripts in the folder Schema. Times are Unix milliseconds (UTC). Scripts are run in order, once each;
/// <c>PRAGMA user_version</c> counts those that were. A script that has been released is never edited: a change is a new script.
/// </summary>
internal static class SqliteSchema
{
    /// <summary>"SLCK" in <c>PRAGMA application_id</c>: says that the file is ours.</summary>
    public const int ApplicationId = 0x534C434B;

    private const string MqttScript = "0010_mqtt.sql";

    /// <summary>What the embedded broker keeps for its clients, in this file or in one of its own.</summary>
    public static string Mqtt => Read(MqttScript);

    public static IReadOnlyList<string> Scripts { get; } =
        [.. typeof(SqliteSchema).Assembly.GetManifestResourceNames()
            .Where(name => name.EndsWith(".sql", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(Read)];

    private static string Read(string resource)
    {
        using var stream = typeof(SqliteSchema).Assembly.GetManifestResourceStream(resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
