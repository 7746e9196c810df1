using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Device;
using SmartLock.Server;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.VirtualDevice;

namespace SmartLock.Benchmarks;

/// <summary>
/// POST /api/unlock to the device's signed verdict, 100 a second over 50 locks, everything real and on this machine: HTTP, SQLite with its
/// fsync, MQTT over TCP, virtual devices.
/// </summary>
internal static class UnlockLatency
{
    private const int Locks = 50;
    private const int PerSecond = 100;
    private const int Seconds = 20;
    private const int WarmUp = 200;
    private const string Password = "correct horse battery";

    public static async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
        try
        {
            await RunInAsync(folder);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunInAsync(string folder)
    {
        await using var app = SmartLockServer.Create(
        [
            "--Urls=http://127.0.0.1:0",
            "--Mqtt:Address=127.0.0.1",
            "--Mqtt:Port=0",
            $"--Data:Folder={folder}",
            "--RateLimits:Commands:PermitsPerMinute=1000000",
            "--Logging:LogLevel:Default=Warning",
        ]);
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = HttpEndpoints.AddressOf(app.Services) };
        var devices = await SetUpAsync(app, http);
        await MeasureAsync(http, devices, WarmUp);

        using var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        var times = await MeasureAsync(http, devices, PerSecond * Seconds);
        process.Refresh();
        var cpuMs = (process.TotalProcessorTime - cpu).TotalMilliseconds / times.Count;
        times.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"unlock to verdict, {PerSecond}/s, {times.Count} commands: p50 {At(times, 0.5):0.00} ms, p90 {At(times, 0.9):0.00} ms, p99 {At(times, 0.99):0.00} ms, worst {times[^1]:0.00} ms, CPU {cpuMs:0.00} ms each (server, client and devices)"));
        foreach (var device in devices)
        {
            await device.DisposeAsync();
        }

        await app.StopAsync();
    }

    private static double At(List<double> sorted, double part) => sorted[(int)(part * (sorted.Count - 1))];

    private static async Task<List<double>> MeasureAsync(HttpClient http, IReadOnlyList<VirtualLock> devices, int count)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / PerSecond));
        var running = new List<Task<double>>(count);
        for (var i = 0; i < count; i++)
        {
            await beat.WaitForNextTickAsync();
            running.Add(UnlockAsync(http, devices[i % devices.Count].DeviceId));
        }

        return [.. await Task.WhenAll(running)];
    }

    private static async Task<double> UnlockAsync(HttpClient http, string deviceId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/unlock") { Content = JsonContent.Create(new { device_id = deviceId }) };
        request.Headers.Add("Prefer", "wait=5");
        var start = Stopwatch.GetTimestamp();
        using var response = await http.SendAsync(request);
        var took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        response.EnsureSuccessStatusCode();
        return took;
    }

    private static async Task<IReadOnlyList<VirtualLock>> SetUpAsync(WebApplication app, HttpClient http)
    {
        var account = new { username = "bench", password = Password };
        (await http.PostAsJsonAsync("/api/auth/register", account)).EnsureSuccessStatusCode();
        using var login = await http.PostAsJsonAsync("/api/auth/login", account);
        var token = (await login.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var mqtt = app.Services.GetRequiredService<MqttListener>().EndPoint!;
        var devices = new List<VirtualLock>();
        for (var i = 0; i < Locks; i++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"BENCH-{i}");
            using var registered = await http.PostAsJsonAsync("/api/locks", new { device_id = id, name = id });
            var key = (await registered.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
            var device = new VirtualLock(new VirtualLockOptions { DeviceId = id, Key = DeviceKey.FromHex(key), Host = "127.0.0.1", Port = mqtt.Port });
            await device.StartAsync();
            devices.Add(device);
        }

        foreach (var device in devices)
        {
            await SmartLock.Testing.Eventually.TrueAsync(
                async () => (await http.GetStringAsync($"/api/locks/{device.DeviceId}")).Contains("\"Available\"", StringComparison.Ordinal),
                "the lock is Available");
        }

        return devices;
    }
}
