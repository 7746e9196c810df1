using System.Globalization;
using System.Net.Http.Json;
using System.Net.NetworkInformation;
using System.Text.Json;

namespace SmartLock.Benchmarks;

/// <summary>
/// 20,000 connected devices with 9 s heartbeats on the server as it is shipped, and commands to random ones of them meanwhile: whether all stay,
/// what each costs in memory, and how soon a verdict comes.
/// </summary>
internal static class ConnectedFleet
{
    private const int CommandsPerSecond = 20;
    private const double TargetBytes = 12 * 1024;
    private const double TargetP99 = 50;

    // Two heartbeats of every device, so that all that one leaves behind is there when the measuring begins.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(string[] args)
    {
        if (FleetOptions.Read(args, new FleetOptions(20_000, 5), "fleet") is not { } options)
        {
            return 2;
        }

        var folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
        try
        {
            await RunInAsync(folder, options);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunInAsync(string folder, FleetOptions options)
    {
        Say($"registering {options.Devices:N0} locks");
        var (devices, password) = await FleetStore.FillAsync(folder, options.Devices);
        await using var server = await ServerHost.StartAsync(folder);
        using var http = new HttpClient { BaseAddress = server.Address };
        await CommandLoad.SignInAsync(http, FleetStore.Admin, password);
        await PassAsync(CheckEvery);
        var before = server.Process.ResidentBytes;
        Say($"ready with {before / 1e6:N1} MB; connecting");

        using var load = new FleetLoad(devices);
        using var end = new CancellationTokenSource();
        var beating = Task.Run(() => load.BeatAsync(end.Token));
        await load.ConnectAsync(server.MqttPort);
        Say($"connected with {server.Process.ResidentBytes / 1e6:N1} MB; settling");
        await PassAsync(Settling);

        var report = new Report("fleet");
        await MeasureAsync(report, options, server, http, load, [.. devices.Select(d => d.Id)], before);
        await end.CancelAsync();
        await beating;
        report.Print();
    }

    private static async Task MeasureAsync(
        Report report, FleetOptions options, ServerHost server, HttpClient http, FleetLoad load, IReadOnlyList<string> ids, long before)
    {
        var time = TimeSpan.FromMinutes(options.Minutes);
        var from = TimeProvider.System.GetUtcNow();
        var (sent, acknowledged) = (load.Sent, load.Acknowledged);
        load.WorstDelay = TimeSpan.Zero;
        Say($"measuring for {options.Minutes:0.#} min");
        var gauge = new ServerGauge(server.Process);
        var watching = Task.Run(() => gauge.WatchAsync(time));
        var checking = Task.Run(() => CheckAsync(http, time));
        var commands = await new CommandLoad(http, ids).AtRateAsync(CommandsPerSecond, time, atRandom: true);
        await watching;
        var checks = await checking;

        report.Add(
            "devices",
            ("asked", options.Devices),
            ("connected", load.Connected),
            ("at the server", ConnectionsAt(server.MqttPort)),
            ("dropped", load.Lost),
            ("reported, least", checks.LeastHeard),
            ("Unavailable, most", checks.MostUnavailable),
            ("changes of state", await StateChangesAsync(http, from)));
        var heartbeats = load.Sent - sent;
        report.Add(
            "heartbeats",
            ("per second", heartbeats / time.TotalSeconds),
            ("sent", heartbeats),
            ("acknowledged", load.Acknowledged - acknowledged - commands.Count),
            ("sent late, worst ms", load.WorstDelay.TotalMilliseconds));
        AddMemory(report, gauge, server, before, load.Connected);
        report.Add("CPU seconds per second", ("server", gauge.CpuShare), ("load generator", gauge.OwnCpuShare));
        report.Add(
            $"unlock to verdict, {CommandsPerSecond}/s",
            ("done", commands.Count),
            ("failed", commands.Failed + load.Refused),
            ("p50 ms", commands.At(0.5)),
            ("p99 ms", commands.At(0.99)),
            ("worst ms", commands.Worst),
            ("target p99", TargetP99));
    }

    private static void AddMemory(Report report, ServerGauge gauge, ServerHost server, long before, int connected)
    {
        var (mean, first, last, most) = gauge.Resident();
        const double MB = 1e6;
        report.Add(
            "resident MB",
            ("none connected", before / MB),
            ("first minute", first / MB),
            ("last minute", last / MB),
            ("most", most / MB),
            ("own, at the end", ServerGauge.BytesOf(server.Process, "RssAnon") / MB),
            ("of files", ServerGauge.BytesOf(server.Process, "RssFile") / MB),
            ("shared", ServerGauge.BytesOf(server.Process, "RssShmem") / MB));
        report.Add(
            "resident bytes per device",
            ("mean", (mean - before) / connected),
            ("first minute", (first - before) / connected),
            ("last minute", (last - before) / connected),
            ("target", TargetBytes));
    }

    /// <summary>What the server says of its devices, every few seconds.</summary>
    private static async Task<(int LeastHeard, int MostUnavailable)> CheckAsync(HttpClient http, TimeSpan time)
    {
        var (reported, unavailable) = (int.MaxValue, 0);
        for (var passed = TimeSpan.Zero; passed < time; passed += CheckEvery)
        {
            await PassAsync(CheckEvery);
            var integrations = await http.GetFromJsonAsync<JsonElement>("/api/admin/integrations");
            reported = Math.Min(reported, integrations.GetProperty("items")[0].GetProperty("connected_devices").GetInt32());
            unavailable = Math.Max(unavailable, await CountAsync(http, "/api/admin/locks?state=Unavailable&limit=100"));
        }

        return (reported, unavailable);
    }

    private static Task<int> StateChangesAsync(HttpClient http, DateTimeOffset from) =>
        CountAsync(http, string.Create(CultureInfo.InvariantCulture, $"/api/admin/logs?action=lock.state&limit=100&from={from:yyyy-MM-ddTHH:mm:ssZ}"));

    /// <summary>Of one page: 100 stands for "100 or more".</summary>
    private static async Task<int> CountAsync(HttpClient http, string path) =>
        (await http.GetFromJsonAsync<JsonElement>(path)).GetProperty("items").GetArrayLength();

    /// <summary>The kernel's count of the server's ends. Its list is not read in one step: an end may stand in it twice.</summary>
    private static int ConnectionsAt(int port) => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
        .Where(c => c.LocalEndPoint.Port == port && c.State == TcpState.Established)
        .DistinctBy(c => c.RemoteEndPoint)
        .Count();

    private static Task PassAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System);

    private static void Say(string what) => Console.Error.WriteLine($"fleet: {what}");
}
