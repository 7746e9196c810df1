using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Benchmarks;

/// <summary>
/// POST /api/unlock to the device's signed verdict, everything real and on this machine: HTTP, SQLite with its fsync, MQTT over TCP, virtual
/// devices. The server has a process to itself; the devices share this one with the clients. And how soon a server is ready.
/// </summary>
internal static class UnlockLatency
{
    private const int Locks = 50;
    private const int PerSecond = 100;
    private const int InFlight = 64;
    private const int InFlightCommands = 10_000;
    private const int Runs = 3;
    private const double TargetP50 = 3;
    private const double TargetP99 = 20;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan OneRun = TimeSpan.FromSeconds(15);

    public static async Task<int> RunAsync()
    {
        var report = new Report("commands");
        await StartToReady.MeasureAsync(report);
        var folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
        try
        {
            await RunInAsync(report, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        report.Print();
        return 0;
    }

    private static async Task RunInAsync(Report report, string folder)
    {
        await using var server = await ServerHost.StartAsync(folder);
        using var http = new HttpClient { BaseAddress = server.Address };
        var devices = await SetUpAsync(server, http);
        try
        {
            var load = new CommandLoad(http, [.. devices.Select(d => d.DeviceId)]);
            await load.AtRateAsync(PerSecond, WarmUp);
            await load.InFlightAsync(InFlight, InFlightCommands / 4);
            AddLatency(report, await RunsAsync(server, () => load.AtRateAsync(PerSecond, OneRun)));
            AddSaturation(report, await RunsAsync(server, () => load.InFlightAsync(InFlight, InFlightCommands)));
        }
        finally
        {
            foreach (var device in devices)
            {
                await device.DisposeAsync();
            }
        }
    }

    private static void AddLatency(Report report, IReadOnlyList<Run> runs) => report.Add(
        $"unlock to verdict, {PerSecond}/s over {Locks} locks",
        ("p50 ms", Median(runs, r => r.Times.At(0.5))),
        ("target p50", TargetP50),
        ("p90 ms", Median(runs, r => r.Times.At(0.9))),
        ("p99 ms", Median(runs, r => r.Times.At(0.99))),
        ("target p99", TargetP99),
        ("worst ms", runs.Max(r => r.Times.Worst)),
        ("failed", runs.Sum(r => r.Times.Failed)),
        ("server CPU ms each", Median(runs, r => 1000 * r.ServerCpu / r.Times.Count)),
        ("own CPU ms each", Median(runs, r => 1000 * r.OwnCpu / r.Times.Count)));

    private static void AddSaturation(Report report, IReadOnlyList<Run> runs) => report.Add(
        $"{InFlight} in flight",
        ("per server CPU second", Median(runs, r => r.Times.Count / r.ServerCpu)),
        ("per second", Median(runs, r => r.Times.Count / r.Seconds)),
        ("p50 ms", Median(runs, r => r.Times.At(0.5))),
        ("p99 ms", Median(runs, r => r.Times.At(0.99))),
        ("failed", runs.Sum(r => r.Times.Failed)),
        ("server CPU share", Median(runs, r => r.ServerCpu / r.Seconds)),
        ("own CPU share", Median(runs, r => r.OwnCpu / r.Seconds)));

    private static async Task<IReadOnlyList<Run>> RunsAsync(ServerHost server, Func<Task<CommandTimes>> work)
    {
        using var own = Process.GetCurrentProcess();
        var runs = new List<Run>(Runs);
        for (var run = 0; run < Runs; run++)
        {
            own.Refresh();
            var (start, cpu, ownCpu) = (Stopwatch.GetTimestamp(), server.Process.CpuTime, own.TotalProcessorTime);
            var times = await work();
            own.Refresh();
            runs.Add(new Run(
                times,
                (server.Process.CpuTime - cpu).TotalSeconds,
                (own.TotalProcessorTime - ownCpu).TotalSeconds,
                Stopwatch.GetElapsedTime(start).TotalSeconds));
        }

        return runs;
    }

    private static double Median(IReadOnlyList<Run> runs, Func<Run, double> figure) => runs.Select(figure).Order().ElementAt(runs.Count / 2);

    private static async Task<IReadOnlyList<VirtualLock>> SetUpAsync(ServerHost server, HttpClient http)
    {
        var account = new { username = "bench", password = RandomNumberGenerator.GetHexString(32, lowercase: true) };
        (await http.PostAsJsonAsync("/api/auth/register", account)).EnsureSuccessStatusCode();
        await CommandLoad.SignInAsync(http, account.username, account.password);
        var devices = new List<VirtualLock>();
        for (var i = 0; i < Locks; i++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"BENCH-{i}");
            using var registered = await http.PostAsJsonAsync("/api/locks", new { device_id = id, name = id });
            var key = (await registered.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
            var device = new VirtualLock(new VirtualLockOptions { DeviceId = id, Key = DeviceKey.FromHex(key), Host = "127.0.0.1", Port = server.MqttPort });
            await device.StartAsync();
            devices.Add(device);
        }

        foreach (var device in devices)
        {
            await Eventually.TrueAsync(
                async () => (await http.GetStringAsync($"/api/locks/{device.DeviceId}")).Contains("\"Available\"", StringComparison.Ordinal),
                "the lock is Available");
        }

        return devices;
    }

    private sealed record Run(CommandTimes Times, double ServerCpu, double OwnCpu, double Seconds);
}
