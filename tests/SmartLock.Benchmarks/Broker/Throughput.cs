namespace SmartLock.Benchmarks;

/// <summary>Rows about messages per second of the broker's CPU time, one for each broker.</summary>
internal static class Throughput
{
    /// <param name="target">The least ratio of ours to mosquitto's that is good enough; NaN where none is set.</param>
    public static void Add(Report report, Contest contest, string title, IEnumerable<string> brokers, double target = double.NaN)
    {
        foreach (var broker in brokers)
        {
            var sample = contest.MedianOf(broker);
            report.Add(
                $"{title}: {broker}",
                ("msg/CPU-s", sample?.PerCpuSecond ?? double.NaN),
                ("x mosquitto", contest.CpuRatio(RunningBroker.Mosquitto, broker)),
                ("target", broker == RunningBroker.Ours ? target : double.NaN),
                ("broker cores", sample?.BrokerCores ?? double.NaN),
                ("load cores", sample?.LoadCores ?? double.NaN),
                ("msg/s", sample?.PerSecond ?? double.NaN));
        }
    }
}
