namespace SmartLock.Benchmarks;

internal static class LoadTopics
{
    /// <summary>The one device that is spoken to; its client id, and with our broker its identity too.</summary>
    public const string Device = "ESP32-DEVICE";

    /// <summary>Only our <see cref="BrokerHost"/> listens here, and passes on to <see cref="Device"/> by <c>PublishTo</c>.</summary>
    public const string Directed = "benchmark/directed";

    public const string EveryStatus = "smartlock/status/#";

    public static string Control(string id) => $"smartlock/control/{id}";

    public static string Status(string id) => $"smartlock/status/{id}";

    /// <summary>All of one length, so that publishes to their topics are too.</summary>
    public static string Id(int number) => $"ESP32-{number:X6}";
}
