using System.Diagnostics;

namespace SmartLock.Benchmarks;

/// <summary>From the start of the server's process to its first "ready".</summary>
internal static class StartToReady
{
    private const int Starts = 5;
    private const double TargetSeconds = 2;

    public static async Task MeasureAsync(Report report)
    {
        var (empty, again) = (new List<double>(), new List<double>());
        for (var run = 0; run < Starts; run++)
        {
            var folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
            try
            {
                empty.Add(await StartAsync(folder));
                again.Add(await StartAsync(folder));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        Add(report, "start to ready, empty folder", empty);
        Add(report, "start to ready, existing folder", again);
    }

    private static void Add(Report report, string name, List<double> seconds) => report.Add(
        name, ("median s", seconds.Order().ElementAt(Starts / 2)), ("worst s", seconds.Max()), ("target", TargetSeconds));

    private static async Task<double> StartAsync(string folder)
    {
        var start = Stopwatch.GetTimestamp();
        await using var server = await ServerHost.StartAsync(folder);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
