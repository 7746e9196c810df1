namespace SmartLock.Benchmarks;

/// <summary>
/// The embedded broker beside mosquitto and aedes, each in a process of its own, all under the same load over loopback TCP, MQTT 3.1.1:
/// <c>broker [row] [--runs N] [--seconds N] [--connections N]</c>.
/// </summary>
internal static class BrokerVerb
{
    private static readonly Dictionary<string, Func<BrokerOptions, Report, Task>> Rows = new(StringComparer.Ordinal)
    {
        ["fan-in"] = FanIn.RunAsync,
        ["fan-out"] = FanOut.RunAsync,
        ["round-trip"] = RoundTrip.RunAsync,
        ["one-among-many"] = OneAmongMany.RunAsync,
        ["connects"] = Connects.RunAsync,
        ["idle"] = IdleMemory.RunAsync,
    };

    public static async Task<int> RunAsync(string[] arguments)
    {
        var row = arguments is [var first, ..] && Rows.ContainsKey(first) ? first : null;
        if (BrokerOptions.Parse(row is null ? arguments : arguments.AsSpan(1)) is not { } options)
        {
            Console.Error.WriteLine($"usage: broker [{string.Join(" | ", Rows.Keys)}] [--runs N] [--seconds N] [--connections N]");
            return 2;
        }

        var report = new Report("broker");
        foreach (var name in Rows.Keys.Where(name => row is null || name == row))
        {
            await Rows[name](options, report);
        }

        report.Print();
        return 0;
    }
}
