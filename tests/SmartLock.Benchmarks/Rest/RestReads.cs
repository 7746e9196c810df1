using System.Diagnostics;
using System.Globalization;

namespace SmartLock.Benchmarks;

/// <summary>
/// Reads over REST with a token: our server, everything on, against the first system's stack (Flask, Flask-JWT-Extended) with its database left out.
/// The same load generator, in turn; requests per second of the answering process's CPU time.
/// </summary>
internal static class RestReads
{
    private const double Target = 10;
    private static readonly RestRead[] Reads =
    [
        new("GET one lock", $"/api/locks/{RestAccount.DeviceId(7)}", $"/locks/{RestAccount.DeviceId(7)}/status"),
        new("GET its status", $"/api/locks/{RestAccount.DeviceId(7)}/status", $"/locks/{RestAccount.DeviceId(7)}/status"),
        new("GET 50 locks", "/api/locks?limit=50", "/locks"),
        new("GET health", "/health/live", "/health/live", NeedsToken: false),
    ];

    /// <param name="arguments"><c>--long</c>: windows and warm-up five times as long. What follows <c>--</c> are settings of our server.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var plan = arguments.Contains("--long") ? Plan.Long : Plan.Short;
        var folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
        try
        {
            await using var ours = await SmartLockPeer.StartAsync(folder, [.. arguments.SkipWhile(a => a != "--").Skip(1)]);
            await using var gunicorn = await FlaskPeer.TryStartGunicornAsync();
            await using var flask = await FlaskPeer.TryStartOwnServerAsync();
            var report = new Report("rest");
            await MeasureAsync(report, plan, ours, gunicorn, flask);
            await AddAllocationsAsync(report, Path.Combine(folder, "allocations"));
            report.Print();
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureAsync(Report report, Plan plan, IRestPeer ours, IRestPeer? gunicorn, IRestPeer? flask)
    {
        IRestPeer?[] peers = [ours, gunicorn, flask];
        var samples = Reads.ToDictionary(r => r, _ => peers.Select(_ => new List<Sample>()).ToArray());
        foreach (var read in Reads)
        {
            Console.Error.WriteLine($"Warming up: {read.Name}");
            await WindowAsync(ours, read.OurPath, read.NeedsToken, plan.WarmUp);
        }

        for (var run = 1; run <= plan.Runs; run++)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Run {run} of {plan.Runs}"));
            foreach (var read in Reads)
            {
                for (var i = 0; i < peers.Length; i++)
                {
                    if (peers[i] is { } peer)
                    {
                        samples[read][i].Add(await WindowAsync(peer, i == 0 ? read.OurPath : read.FlaskPath, read.NeedsToken, plan.Window));
                    }
                }
            }
        }

        foreach (var read in Reads)
        {
            AddRatio(report, read, samples[read]);
        }

        foreach (var read in Reads)
        {
            AddShares(report, read, samples[read][0]);
        }
    }

    private static void AddRatio(Report report, RestRead read, List<Sample>[] peers)
    {
        var (our, gunicorn, flask) = (Median(peers[0], s => s.PerCpuSecond), Median(peers[1], s => s.PerCpuSecond), Median(peers[2], s => s.PerCpuSecond));
        // Against the better one; Max of something and nothing is nothing, MaxNumber is something.
        report.Add(
            read.Name,
            ("smartlock req/CPU-s", our),
            ("gunicorn req/CPU-s", gunicorn),
            ("flask's own req/CPU-s", flask),
            ("ratio to the better", our / double.MaxNumber(gunicorn, flask)),
            ("target", Target));
    }

    private static void AddShares(Report report, RestRead read, List<Sample> ours) => report.Add(
        $"{read.Name}, ours",
        ("CPU us each", Median(ours, s => 1e6 / s.PerCpuSecond)),
        ("req/s", Median(ours, s => s.Requests / s.Wall.TotalSeconds)),
        ("server's cores", Median(ours, s => s.Cpu / s.Wall)),
        ("load's cores", Median(ours, s => s.LoadCpu / s.Wall)),
        ("load's CPU us each", Median(ours, s => s.LoadCpu.TotalMicroseconds / s.Requests)));

    private static async Task AddAllocationsAsync(Report report, string folder)
    {
        Directory.CreateDirectory(folder);
        var bytes = await RestAllocations.MeasureAsync(folder, Reads);
        for (var i = 0; i < Reads.Length; i++)
        {
            report.Add($"{Reads[i].Name}, ours", ("bytes allocated each", bytes[i]));
        }
    }

    private static double Median(List<Sample> samples, Func<Sample, double> figure) =>
        samples.Count == 0 ? double.NaN : samples.Select(figure).Order().ElementAt(samples.Count / 2);

    private static async Task<Sample> WindowAsync(IRestPeer peer, string path, bool needsToken, TimeSpan time)
    {
        var load = new HttpLoad(peer.Port, path, needsToken ? peer.Token : null);
        var (start, cpu, loadCpu) = (Stopwatch.GetTimestamp(), peer.CpuTime, Environment.CpuUsage.TotalTime);
        var requests = await load.RunAsync(time);
        return new Sample(requests, Stopwatch.GetElapsedTime(start), peer.CpuTime - cpu, Environment.CpuUsage.TotalTime - loadCpu);
    }

    private sealed record Sample(long Requests, TimeSpan Wall, TimeSpan Cpu, TimeSpan LoadCpu)
    {
        public double PerCpuSecond => Requests / Cpu.TotalSeconds;
    }

    private sealed record Plan(int Runs, TimeSpan WarmUp, TimeSpan Window)
    {
        public static Plan Short { get; } = new(5, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(1));

        public static Plan Long { get; } = new(5, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(5));
    }
}

/// <summary>One of the reads that are compared.</summary>
internal sealed record RestRead(string Name, string OurPath, string FlaskPath, bool NeedsToken = true);
