using System.Globalization;
using System.Text.Json;

namespace SmartLock.Benchmarks;

/// <summary>Heartbeats believed, coalesced and stored, per CPU second of the server.</summary>
internal static class Ingest
{
    private const int Spans = 5;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var report = new Report("ingest");
        // One of the three groups, or all.
        var only = arguments.FirstOrDefault();
        if (only is null or "path")
        {
            await InProcessAsync(report, "signed, 10,000 devices", IngestHost.Signed, 10_000, 20);
            await InProcessAsync(report, "signed, 100,000 devices", IngestHost.Signed, 100_000, 3);
            await InProcessAsync(report, "signed, none coalesced", IngestHost.EachStored, 10_000, 20);
            await InProcessAsync(report, "own login, 10,000 devices", IngestHost.OwnLogin, 10_000, 20);
        }

        if (only is null or "tcp")
        {
            await IngestOverTcp.MeasureAsync(report);
        }

        if (only is null or "parts")
        {
            await IngestParts.MeasureAsync(report);
        }

        report.Print();
        return 0;
    }

    private static async Task InProcessAsync(Report report, string name, string mode, int devices, int perDevice)
    {
        // As the server's own settings have it.
        Environment.SetEnvironmentVariable("DOTNET_gcServer", "1");
        string[] arguments = ["ingest-host", mode, .. new[] { devices, perDevice, Spans }.Select(n => n.ToString(CultureInfo.InvariantCulture))];
        var (host, line) = await ChildProcess.StartOwnAsync(arguments);
        await using (host)
        {
            var span = IngestSpan.MedianOf(JsonSerializer.Deserialize<List<IngestSpan>>(line)!);
            report.Add(
                name,
                ("per CPU-s", 1_000_000 / span.CpuMicroseconds),
                ("target", IngestSpan.TargetPerCpuSecond),
                ("CPU us", span.CpuMicroseconds),
                ("wall us", span.WallMicroseconds),
                ("rows each", span.RowsWritten),
                ("batches", span.Batches),
                ("bytes each", span.AllocatedBytes),
                ("making us", span.MakingMicroseconds));
        }
    }
}
