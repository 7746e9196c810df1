using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Messaging;
using SmartLock.Server;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Benchmarks;

/// <summary>
/// The whole server in a process of its own, with heartbeats handed to its broker in process: all of the path but sockets. What it measured
/// it prints as its first line.
/// </summary>
internal sealed class IngestHost : IAsyncDisposable
{
    /// <summary>Not what a published status is believed by, so each signature is checked, as behind an outside broker.</summary>
    public const string Signed = "signed";

    /// <summary>As <see cref="Signed"/>, and waits for the store after every 1,000: no two of a device are coalesced.</summary>
    public const string EachStored = "each-stored";

    /// <summary>By a connection that logged in as the device: believed without a signature.</summary>
    public const string OwnLogin = "own-login";

    private const int StoredAtOnce = 1_000;
    private const int WarmUps = 2;

    private readonly string _mode;
    private readonly string _folder;
    private readonly WebApplication _app;
    private readonly CountingDeviceStore _store;
    private readonly HeartbeatFleet _fleet;
    private readonly BelievedStatuses _statuses = new();
    private long _sent;
    private long _sentAt;

    private IngestHost(string mode, string folder, WebApplication app, CountingDeviceStore store, HeartbeatFleet fleet)
    {
        (_mode, _folder, _app, _store, _fleet) = (mode, folder, app, store, fleet);
        _sentAt = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - (long)TimeSpan.FromHours(1).TotalMilliseconds;
    }

    /// <param name="arguments">Mode, devices, heartbeats per device and span, spans.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var counts = arguments[1..].Select(a => int.Parse(a, CultureInfo.InvariantCulture)).ToArray();
        await using var host = await StartAsync(arguments[0], counts[0]);
        var spans = new List<IngestSpan>();
        for (var i = 0; i < WarmUps + counts[2]; i++)
        {
            var span = await host.MeasureAsync(counts[1], seed: i);
            if (i >= WarmUps)
            {
                spans.Add(span);
            }
        }

        host.Check();
        Console.WriteLine(JsonSerializer.Serialize(spans));
        // The parent closes our input when it is done, however it ends.
        await Console.In.ReadToEndAsync();
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        _statuses.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<IngestHost> StartAsync(string mode, int devices)
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
        CountingDeviceStore? store = null;
        var app = SmartLockServer.Create(
            ["--Urls=http://127.0.0.1:0", "--Mqtt:Address=127.0.0.1", "--Mqtt:Port=0", $"--Data:Folder={folder}", "--Logging:LogLevel:Default=Warning", "--Logging:Console:LogToStandardErrorThreshold=Trace"],
            builder => builder.Services.AddSingleton<IDeviceStore>(services =>
                store = new CountingDeviceStore(new SqliteDeviceStore(services.GetRequiredService<SqliteDatabase>()))));
        await app.StartAsync();
        var fleet = await HeartbeatFleet.RegisterAsync(app.Services, devices);
        var registry = app.Services.GetRequiredService<DeviceCache>();
        foreach (var id in fleet.DeviceIds)
        {
            // As its login on the broker does.
            await registry.FindAsync(id, default);
        }

        return new IngestHost(mode, folder, app, store!, fleet);
    }

    private async Task<IngestSpan> MeasureAsync(int rounds, int seed)
    {
        var idle = Environment.CpuUsage.TotalTime;
        var heartbeats = SignedHeartbeats.Make(_fleet, rounds, _sentAt, seed);
        _sentAt += rounds;
        _sent += heartbeats.Count;
        var writer = _app.Services.GetRequiredService<HeartbeatWriter>();
        var (batches, reports, allocated) = (_store.Batches, _store.Reports, GC.GetTotalAllocatedBytes(precise: true));
        var (start, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        await SendAsync(heartbeats, writer);
        await writer.FlushAsync(default);
        var (used, took) = (Environment.CpuUsage.TotalTime - cpu, Stopwatch.GetElapsedTime(start));
        return new IngestSpan(
            used.TotalMicroseconds / heartbeats.Count,
            took.TotalMicroseconds / heartbeats.Count,
            (double)(_store.Reports - reports) / heartbeats.Count,
            _store.Batches - batches,
            (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / heartbeats.Count,
            (cpu - idle).TotalMicroseconds / heartbeats.Count);
    }

    private async Task SendAsync(SignedHeartbeats heartbeats, HeartbeatWriter writer)
    {
        for (var first = 0; first < heartbeats.Count; first += StoredAtOnce)
        {
            Send(heartbeats, first, Math.Min(first + StoredAtOnce, heartbeats.Count));
            if (_mode == EachStored)
            {
                await writer.FlushAsync(default);
            }
        }
    }

    private void Send(SignedHeartbeats heartbeats, int from, int to)
    {
        if (_mode == OwnLogin)
        {
            var ingest = _app.Services.GetRequiredService<StatusIngest>();
            for (var i = from; i < to; i++)
            {
                ingest.Accept(heartbeats[i], retained: false, _fleet.DeviceIds[heartbeats.DeviceOf(i)]);
            }

            return;
        }

        var broker = _app.Services.GetRequiredService<MqttBroker>();
        for (var i = from; i < to; i++)
        {
            broker.Publish(_fleet.Topics[heartbeats.DeviceOf(i)], heartbeats[i]);
        }
    }

    /// <summary>That nothing was measured but what it says: every heartbeat was believed, and the store holds each device's last.</summary>
    private void Check()
    {
        if (_statuses.Believed != _sent || _statuses.Dropped != 0)
        {
            throw new InvalidOperationException($"Of {_sent} heartbeats {_statuses.Believed} were believed and {_statuses.Dropped} dropped.");
        }

        StoredHeartbeats.Check(_folder, _fleet.Count, _sentAt - 1);
    }
}
