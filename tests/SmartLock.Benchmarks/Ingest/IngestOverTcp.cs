using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt;
using SmartLock.Server;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Benchmarks;

/// <summary>The server program in a process of its own; its devices log in to it over TCP and publish what they have signed beforehand.</summary>
internal static class IngestOverTcp
{
    private const int Devices = 2_000;
    private const int PerDevice = 100;
    private const int Spans = 3;

    public static async Task MeasureAsync(Report report)
    {
        foreach (var qos in new[] { MqttQoS.AtMostOnce, MqttQoS.AtLeastOnce })
        {
            foreach (var burst in new[] { 1, 20 })
            {
                await MeasureAsync(report, qos, burst);
            }
        }
    }

    private static async Task MeasureAsync(Report report, MqttQoS qos, int burst)
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
        try
        {
            var fleet = await RegisterAsync(folder);
            await using var server = await ServerHost.StartAsync(folder);
            using var load = await HeartbeatLoad.ConnectAsync(server.MqttPort, fleet, qos);
            var sentAt = TimeProvider.System.GetUtcNow().AddHours(-1).ToUnixTimeMilliseconds();
            var spans = new List<(double Server, double Load, double Wall)>();
            for (var span = 0; span <= Spans; span++)
            {
                spans.Add(await MeasureAsync(server, load, burst, sentAt));
                sentAt += PerDevice;
                await WhenStoredAsync(folder, sentAt - 1);
            }

            // The first one warmed it up.
            var (cpu, own, wall) = (Median(spans.Skip(1).Select(s => s.Server)), Median(spans.Skip(1).Select(s => s.Load)), Median(spans.Skip(1).Select(s => s.Wall)));
            report.Add(
                string.Create(CultureInfo.InvariantCulture, $"TCP, {Devices} devices, QoS {(int)qos}, {burst} a write"),
                ("per CPU-s", 1_000_000 / cpu),
                ("target", IngestSpan.TargetPerCpuSecond),
                ("CPU us", cpu),
                ("wall us", wall),
                ("load CPU us", own));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Spans / 2);

    private static async Task<(double Server, double Load, double Wall)> MeasureAsync(ServerHost server, HeartbeatLoad load, int burst, long sentAt)
    {
        load.Prepare(PerDevice, burst, sentAt);
        var (cpu, own, start) = (server.Process.CpuTime, Environment.CpuUsage.TotalTime, TimeProvider.System.GetTimestamp());
        await load.SendAsync();
        var wall = TimeProvider.System.GetElapsedTime(start);
        own = Environment.CpuUsage.TotalTime - own;

        // The last ones are written within the time that reports are coalesced for.
        await Task.Delay(TimeSpan.FromMilliseconds(400), TimeProvider.System);
        const double Count = Devices * PerDevice;
        return ((server.Process.CpuTime - cpu).TotalMicroseconds / Count, own.TotalMicroseconds / Count, wall.TotalMicroseconds / Count);
    }

    private static async Task WhenStoredAsync(string folder, long lastSentAt)
    {
        for (var i = 0; i < 50 && StoredHeartbeats.Count(folder, lastSentAt) < Devices; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        StoredHeartbeats.Check(folder, Devices, lastSentAt);
    }

    private static async Task<HeartbeatFleet> RegisterAsync(string folder)
    {
        await using var app = SmartLockServer.Create([$"--Data:Folder={folder}", "--Logging:LogLevel:Default=Warning"]);
        var fleet = await HeartbeatFleet.RegisterAsync(app.Services, Devices);
        // Closes the file before the server opens it.
        app.Services.GetRequiredService<SqliteDatabase>().Dispose();
        return fleet;
    }
}
