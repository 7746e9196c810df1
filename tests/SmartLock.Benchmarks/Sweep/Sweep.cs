using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Server.Storage.Sqlite;
using SmartLock.Testing;

namespace SmartLock.Benchmarks;

/// <summary>
/// The server's own search for silent devices over 1,000,000 locks that are Available, when nobody fell silent and when 1,000 did at once;
/// and what it remembers of a lock between two heartbeats.
/// </summary>
internal sealed class Sweep : IAsyncDisposable
{
    private const int Locks = 1_000_000;
    private const int Remembered = 100_000;
    private const int FellSilent = 1_000;
    private const int Runs = 21;
    private const int SilentRuns = 9;
    private const double TargetMs = 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;

    // Stands still: else those that were reported just now would be silent before the last run.
    private readonly FakeClock _clock = new(TimeProvider.System.GetUtcNow());
    private readonly WebApplication _app;
    private readonly SqliteDatabase _database;
    private readonly OfflineSweep _sweep;

    private Sweep()
    {
        _app = SmartLockServer.Create(
            [$"--Data:Folder={_folder}", "--Logging:LogLevel:Default=Warning"],
            builder => builder.Services.AddSingleton<TimeProvider>(_clock));
        _database = _app.Services.GetRequiredService<SqliteDatabase>();
        _sweep = _app.Services.GetRequiredService<OfflineSweep>();
    }

    public static async Task<int> RunAsync()
    {
        var report = new Report("sweep");
        await using var sweep = new Sweep();
        await sweep.PrepareAsync();
        await sweep.MeasureAsync(report);
        await sweep.MeasureMemoryAsync(report);
        report.Print();
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task PrepareAsync()
    {
        // It looks only once it has listened for as long as a device may be silent.
        await _app.Services.GetRequiredService<EmbeddedDeviceLink>().StartAsync(default);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Console.Error.WriteLine($"  writing {Locks:N0} locks ...");
        for (var first = 0; first < Locks; first += Remembered)
        {
            await ExecuteAsync(InsertFrom(first, _clock.GetUtcNow().ToUnixTimeMilliseconds()));
        }
    }

    private async Task MeasureAsync(Report report)
    {
        var first = await SweepAsync(expected: 0);
        await AddAsync(report, "1,000,000 locks, nobody changed", Runs, _ => SweepAsync(expected: 0), first, TargetMs);
        await AddAsync(report, "1,000,000 locks, 1,000 fell silent", SilentRuns, FallSilentAsync, double.NaN, double.NaN);
    }

    private static async Task AddAsync(Report report, string name, int runs, Func<int, Task<double>> once, double first, double target)
    {
        var times = new List<double>();
        var cpu = Environment.CpuUsage.TotalTime;
        for (var run = 0; run < runs; run++)
        {
            times.Add(await once(run));
        }

        cpu = Environment.CpuUsage.TotalTime - cpu;
        times.Sort();
        report.Add(
            name,
            ("median ms", times[runs / 2]),
            ("target", target),
            ("worst ms", times[^1]),
            ("first ms", first),
            ("CPU ms", cpu.TotalMilliseconds / runs));
    }

    private async Task<double> FallSilentAsync(int run)
    {
        // Spread over the whole fleet; others each time.
        var longAgo = (_clock.GetUtcNow() - TimeSpan.FromMinutes(5)).ToUnixTimeMilliseconds();
        await ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"UPDATE locks SET last_seen = {longAgo} WHERE id % {Locks / FellSilent} = {run}"));
        return await SweepAsync(FellSilent);
    }

    private async Task<double> SweepAsync(int expected)
    {
        var start = Stopwatch.GetTimestamp();
        var found = await _sweep.RunAsync(default);
        var took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return found == expected ? took : throw new InvalidOperationException($"{found} devices were found silent, not {expected}.");
    }

    /// <summary>Managed memory, once each device was read from the store and has sent a heartbeat.</summary>
    private async Task MeasureMemoryAsync(Report report)
    {
        await ExecuteAsync("DELETE FROM locks");
        var fleet = await HeartbeatFleet.RegisterAsync(_app.Services, Remembered);
        var heartbeats = SignedHeartbeats.Make(fleet, rounds: 1, _clock.GetUtcNow().ToUnixTimeMilliseconds(), seed: 1);
        var registry = _app.Services.GetRequiredService<DeviceCache>();
        var ingest = _app.Services.GetRequiredService<StatusIngest>();
        var writer = _app.Services.GetRequiredService<HeartbeatWriter>();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < heartbeats.Count; i++)
        {
            // A string of its own, as a login brings one.
            await registry.FindAsync(new string(fleet.DeviceIds[heartbeats.DeviceOf(i)].AsSpan()), default);
            ingest.Accept(heartbeats[i], retained: false, login: null);
        }

        await writer.FlushAsync(default);
        var bytes = (double)(GC.GetTotalMemory(forceFullCollection: true) - before) / heartbeats.Count;
        GC.KeepAlive(registry);
        report.Add($"remembered of each of {Remembered:N0} locks", ("bytes", bytes));
    }

    private Task<int> ExecuteAsync(string sql) =>
        _database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                session.Execute(sql);
                return 0;
            },
            default);

    /// <summary>Heard at some time within the last 9 s, as a fleet is that reports every 9 s.</summary>
    private static string InsertFrom(int first, long now) => string.Create(CultureInfo.InvariantCulture, $"""
        WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {first + Remembered})
        INSERT INTO locks (device_id, name, owner, status, state, last_seen, sent_at, connected_at, own_topics, firmware, rssi, uptime_s, unsigned, created_at)
        SELECT printf('ESP32-%06X', i), printf('Door %d', i), printf('user%d', i % 50000), 'Locked', 'Available', {now} - abs(random() % 9000),
            {now}, {now}, 1, '1.0.0', -61, 86400, 0, {now} FROM n
        """);
}
