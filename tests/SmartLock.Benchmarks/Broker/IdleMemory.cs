using System.Globalization;

namespace SmartLock.Benchmarks;

/// <summary>
/// Resident memory of a broker for each idle connection with a subscription of its own. The kernel's, for the sockets, is not in it.
/// Nobody asks a garbage collector for anything: it is what an operator sees.
/// </summary>
internal static class IdleMemory
{
    private const int Connections = 10_000;
    private const int WarmUpConcurrency = 100;

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Watching = TimeSpan.FromSeconds(5);

    public static async Task RunAsync(BrokerOptions options, Report report)
    {
        var count = Crowd.Possible(options.Connections ?? Connections);
        foreach (var name in RunningBroker.All)
        {
            await using var broker = await RunningBroker.StartAsync(name);
            var title = string.Create(CultureInfo.InvariantCulture, $"idle, {count:N0} connections: {name}");
            if (broker is null)
            {
                Add(report, title, double.NaN, double.NaN, double.NaN, TimeSpan.Zero);
                continue;
            }

            // Code that is loaded and compiled once is not the connections'.
            using var warmUp = new ConnectsLoad(broker.Port, WarmUpConcurrency);
            warmUp.Run(options.WarmUp);
            var before = broker.Process.ResidentBytes;
            await using var crowd = await Crowd.GatherAsync(broker.Port, count);
            await Task.Delay(Settling, TimeProvider.System);
            var cpuBefore = broker.Process.CpuTime;
            await Task.Delay(Watching, TimeProvider.System);
            var cpu = broker.Process.CpuTime - cpuBefore;
            Add(report, title, before, broker.Process.ResidentBytes, count, cpu);
        }
    }

    private static void Add(Report report, string title, double before, double after, double count, TimeSpan cpu)
    {
        const double Megabyte = 1024 * 1024;
        report.Add(
            title,
            ("bytes/conn", (after - before) / count),
            ("MB before", before / Megabyte),
            ("MB after", after / Megabyte),
            ("CPU ms/s idle", double.IsNaN(count) ? double.NaN : cpu.TotalMilliseconds / Watching.TotalSeconds));
    }
}
