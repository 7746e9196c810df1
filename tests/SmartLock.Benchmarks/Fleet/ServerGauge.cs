using System.Diagnostics;
using System.Globalization;

namespace SmartLock.Benchmarks;

/// <summary>The server's memory and processor time, looked at once a second.</summary>
internal sealed class ServerGauge(ChildProcess server)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly List<(TimeSpan At, long Resident)> _samples = [];

    /// <summary>CPU seconds of the server, and of this program, per second.</summary>
    public double CpuShare { get; private set; }

    public double OwnCpuShare { get; private set; }

    public async Task WatchAsync(TimeSpan time)
    {
        using var own = Process.GetCurrentProcess();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var (start, cpu, ownCpu) = (Stopwatch.GetTimestamp(), server.CpuTime, own.TotalProcessorTime);
        do
        {
            await timer.WaitForNextTickAsync();
            _samples.Add((Stopwatch.GetElapsedTime(start), server.ResidentBytes));
        }
        while (Stopwatch.GetElapsedTime(start) < time);
        own.Refresh();
        CpuShare = (server.CpuTime - cpu) / Stopwatch.GetElapsedTime(start);
        OwnCpuShare = (own.TotalProcessorTime - ownCpu) / Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Mean of all samples, and of those of the first and the last minute (or half, of a short run).</summary>
    public (double All, double First, double Last, double Most) Resident()
    {
        var end = _samples[^1].At;
        var window = end / 2 < Window ? end / 2 : Window;
        return (
            _samples.Average(s => s.Resident),
            _samples.Where(s => s.At <= window).Average(s => s.Resident),
            _samples.Where(s => s.At >= end - window).Average(s => s.Resident),
            _samples.Max(s => s.Resident));
    }

    /// <summary>Bytes of a line of <c>/proc/PID/status</c>, such as <c>RssAnon</c>; NaN where there is no such thing.</summary>
    public static double BytesOf(ChildProcess process, string name)
    {
        var file = string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/status");
        var line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name + ":", StringComparison.Ordinal)) : null;
        return line is null ? double.NaN : 1024 * double.Parse(line[(name.Length + 1)..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
