using System.Globalization;

namespace SmartLock.Benchmarks;

/// <summary>
/// What one device costs the program that plays it, with a heartbeat every 9 s: as the load generator of <c>fleet</c> plays it, and as a lock of
/// <see cref="VirtualDevice.VirtualFleet"/>. The embedded broker runs in a process of its own, each kind of device in another.
/// </summary>
internal static class DeviceCost
{
    private const int Devices = 2_000;
    private const double Minutes = 1;

    public static async Task<int> RunAsync(string[] args)
    {
        if (FleetOptions.Read(args, new FleetOptions(Devices, Minutes), "device-cost") is not { } options)
        {
            return 2;
        }

        var report = new Report("device-cost");
        await using var broker = (await RunningBroker.StartAsync(RunningBroker.Ours))!;

        // As a console program has it: the server's collector, which this project has, lets garbage grow further.
        Environment.SetEnvironmentVariable("DOTNET_gcServer", "0");
        foreach (var kind in DeviceCostHost.Kinds)
        {
            Console.Error.WriteLine($"device-cost: {kind}, {options.Devices:N0} devices, {options.Minutes:0.#} min");
            await AddAsync(report, kind, broker.Port, options);
        }

        report.Print();
        return 0;
    }

    private static async Task AddAsync(Report report, string kind, int port, FleetOptions options)
    {
        string[] numbers = [.. new[] { port, options.Devices, options.Minutes }.Select(n => n.ToString(CultureInfo.InvariantCulture))];
        var (process, line) = await ChildProcess.StartOwnAsync([DeviceCostHost.Verb, kind, .. numbers]);
        await using (process)
        {
            var figures = line.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray();
            report.Add(
                kind,
                ("connected", figures[0]),
                ("resident KB each", figures[1] / 1024),
                ("live managed KB each", figures[2] / 1024),
                ("CPU ms per device and minute", figures[3] * 1000));
        }
    }
}
