using System.Diagnostics;

namespace SmartLock.Benchmarks;

/// <summary>What one run of a load took.</summary>
/// <param name="Count">Messages, or whatever the load counts.</param>
/// <param name="BrokerCpu">Of the broker's process, user and system.</param>
/// <param name="LoadCpu">Of this process, the load generator.</param>
internal readonly record struct Sample(long Count, TimeSpan BrokerCpu, TimeSpan LoadCpu, TimeSpan Wall)
{
    private const int MostWall = 3;

    public double PerCpuSecond => Count / BrokerCpu.TotalSeconds;

    public double PerSecond => Count / Wall.TotalSeconds;

    public double CpuMicroseconds => BrokerCpu.TotalMicroseconds / Count;

    /// <summary>How many cores the broker had busy.</summary>
    public double BrokerCores => BrokerCpu / Wall;

    /// <summary>The same of the load generator: one thread of it that is always busy is 1, and then it is what limits the wall clock.</summary>
    public double LoadCores => LoadCpu / Wall;

    /// <param name="duration">Of CPU time too, so far as the broker uses a core: it is counted in steps of 10 ms, and a machine with other work gives less of it.</param>
    public static Sample Take(RunningBroker broker, ILoad load, TimeSpan duration)
    {
        using var self = Process.GetCurrentProcess();
        var loadBefore = self.TotalProcessorTime;
        var brokerBefore = broker.Process.CpuTime;
        var from = TimeProvider.System.GetTimestamp();
        var count = 0L;
        TimeSpan wall, brokerCpu;
        do
        {
            count += load.Run(duration / 2);
            wall = TimeProvider.System.GetElapsedTime(from);
            brokerCpu = broker.Process.CpuTime - brokerBefore;
        }
        while (brokerCpu < duration && wall < duration * MostWall);

        self.Refresh();
        return new Sample(count, brokerCpu, self.TotalProcessorTime - loadBefore, wall);
    }

    /// <summary>The one in the middle by the broker's CPU time.</summary>
    public static Sample Median(IReadOnlyList<Sample> samples) => samples.OrderBy(s => s.PerCpuSecond).ElementAt(samples.Count / 2);
}
