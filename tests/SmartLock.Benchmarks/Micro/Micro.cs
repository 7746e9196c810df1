using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace SmartLock.Benchmarks;

/// <summary>
/// The parts of the hot paths by BenchmarkDotNet, in this process: its usual way makes and builds a project for every run, which needs a
/// feed of packages.
/// </summary>
internal static class Micro
{
    private static readonly Type[] All =
        [typeof(PacketBenchmarks), typeof(TopicBenchmarks), typeof(SubscriptionBenchmarks), typeof(RetainedBenchmarks), typeof(DeviceBenchmarks)];

    /// <param name="arguments"><c>--long</c>: BenchmarkDotNet's default job in the short one's place. A word: only benchmarks with it in their names.</param>
    public static Task<int> RunAsync(string[] arguments)
    {
        var artifacts = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
        try
        {
            var job = (arguments.Contains("--long") ? Job.Default : Job.ShortRun).WithToolchain(InProcessEmitToolchain.Instance);
            var config = ManualConfig.CreateEmpty()
                .AddJob(job)
                .AddDiagnoser(MemoryDiagnoser.Default)
                .AddColumnProvider(DefaultColumnProviders.Instance)
                .AddLogger(new TextLogger(Console.Error))
                .WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DontOverwriteResults)
                .WithArtifactsPath(artifacts);
            if (arguments.FirstOrDefault(a => !a.StartsWith('-')) is { } word)
            {
                config.AddFilter(new BenchmarkDotNet.Filters.NameFilter(name => name.Contains(word, StringComparison.OrdinalIgnoreCase)));
            }

            return Task.FromResult(Print(BenchmarkRunner.Run(All, config)));
        }
        finally
        {
            Directory.Delete(artifacts, recursive: true);
        }
    }

    private static int Print(Summary[] summaries)
    {
        var report = new Report("micro");
        var output = new TextLogger(Console.Out);
        foreach (var summary in summaries)
        {
            MarkdownExporter.Console.ExportToLog(summary, output);
            foreach (var benchmark in summary.Reports)
            {
                report.Add(NameOf(benchmark.BenchmarkCase), ("ns", benchmark.ResultStatistics?.Mean ?? double.NaN), ("bytes allocated", BytesOf(benchmark)));
            }
        }

        output.Flush();
        report.PrintJson();
        return summaries.Length > 0 && summaries.All(s => s.Reports.Length > 0 && s.Reports.All(r => r.Success)) ? 0 : 1;
    }

    private static string NameOf(BenchmarkCase benchmark) =>
        benchmark.HasParameters ? $"{benchmark.Descriptor.WorkloadMethod.Name} ({benchmark.Parameters.PrintInfo})" : benchmark.Descriptor.WorkloadMethod.Name;

    private static double BytesOf(BenchmarkReport benchmark) => benchmark.GcStats.GetBytesAllocatedPerOperation(benchmark.BenchmarkCase) ?? double.NaN;
}
