using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>Logins per second of CPU time, and how a client that is connected already fares meanwhile.</summary>
internal static class Connects
{
    private const int Concurrency = 100;
    private const int ProbeFactor = 4;

    private static readonly TimeSpan ProbePause = TimeSpan.FromMilliseconds(2);

    public static async Task RunAsync(BrokerOptions options, Report report)
    {
        var running = new Dictionary<string, RunningBroker>(StringComparer.Ordinal);
        await using var contest = new Contest(options);
        foreach (var broker in RunningBroker.All)
        {
            await contest.EnterAsync(broker, broker, b =>
            {
                running[broker] = b;
                return Task.FromResult<ILoad>(new ConnectsLoad(b.Port, Concurrency));
            });
        }

        await contest.WarmUpAsync();
        await contest.MeasureAsync();
        foreach (var broker in RunningBroker.All)
        {
            var sample = contest.MedianOf(broker);
            var (quiet, busy) = sample is null ? (double.NaN, double.NaN) : await ProbeAsync(running[broker].Port, options.Duration * ProbeFactor);
            report.Add(
                $"connects, {Concurrency} at a time: {broker}",
                ("conn/CPU-s", sample?.PerCpuSecond ?? double.NaN),
                ("conn/s", sample?.PerSecond ?? double.NaN),
                ("broker cores", sample?.BrokerCores ?? double.NaN),
                ("load cores", sample?.LoadCores ?? double.NaN),
                ("p99 us quiet", quiet),
                ("p99 us meanwhile", busy));
        }
    }

    // Paced, so that the probe is a guest and not a load of its own.
    private static async Task<(double Quiet, double Busy)> ProbeAsync(int port, TimeSpan duration)
    {
        using var probe = RoundTripLoad.Connect(port, MqttQoS.AtMostOnce, ProbePause);
        await Task.Run(() => probe.Run(duration));
        var quiet = probe.Percentile(99);
        probe.Forget();
        using var connects = new ConnectsLoad(port, Concurrency);
        await Task.WhenAll(Task.Run(() => connects.Run(duration)), Task.Run(() => probe.Run(duration)));
        return (quiet, probe.Percentile(99));
    }
}
