using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Messaging;
using SmartLock.Server;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Benchmarks;

/// <summary>What each part of the path costs by itself, on one thread: CPU of the process, median of the runs.</summary>
internal sealed class IngestParts : IAsyncDisposable
{
    private const int Devices = 10_000;
    private const int Rounds = 5;
    private const int Runs = 9;
    private const int PerBatch = 1_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
    private readonly WebApplication _app;
    private HeartbeatFleet _fleet = null!;
    private SignedHeartbeats _heartbeats = null!;
    private CachedDevice[] _devices = null!;
    private List<DeviceReport[]> _batches = null!;

    private IngestParts()
    {
        _app = SmartLockServer.Create([$"--Data:Folder={_folder}", "--Logging:LogLevel:Default=Warning"]);
    }

    public static async Task MeasureAsync(Report report)
    {
        await using var parts = new IngestParts();
        await parts.PrepareAsync();
        Add(report, "parse", await parts.TimeAsync(parts.Parse));
        Add(report, "find the device", await parts.TimeAsync(parts.Find));
        Add(report, "parse, check HMAC and rules", await parts.TimeAsync(parts.Believe));
        Add(report, "HMAC-SHA256 of the runtime, same line's length", await parts.TimeAsync(parts.Sign));
        Add(report, "coalesce", await parts.TimeAsync(parts.Coalesce));
        Add(report, "write a row, 1,000 a transaction", await parts.TimeAsync(parts.WriteAsync));
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static void Add(Report report, string name, double microseconds) => report.Add($"part: {name}", ("CPU us", microseconds));

    private async Task PrepareAsync()
    {
        _fleet = await HeartbeatFleet.RegisterAsync(_app.Services, Devices);
        var sentAt = TimeProvider.System.GetUtcNow().AddHours(-1).ToUnixTimeMilliseconds();
        _heartbeats = SignedHeartbeats.Make(_fleet, Rounds, sentAt, seed: 1);
        var registry = _app.Services.GetRequiredService<DeviceCache>();
        _devices = new CachedDevice[Devices];
        for (var i = 0; i < Devices; i++)
        {
            _devices[i] = (await registry.FindAsync(_fleet.DeviceIds[i], default))!;
        }

        _batches = [.. Enumerable.Range(0, _heartbeats.Count).Select(ReportOf).Chunk(PerBatch)];
    }

    private async Task<double> TimeAsync(Func<Task> once)
    {
        var times = new List<double>();
        for (var run = 0; run < Runs; run++)
        {
            var before = Environment.CpuUsage.TotalTime;
            await once();
            times.Add((Environment.CpuUsage.TotalTime - before).TotalMicroseconds / _heartbeats.Count);
        }

        // The first ones are not yet compiled for speed.
        return times.Skip(Runs / 3).Order().ElementAt(Runs / 3);
    }

    private Task<double> TimeAsync(Action<int> one) => TimeAsync(() =>
    {
        for (var i = 0; i < _heartbeats.Count; i++)
        {
            one(i);
        }

        return Task.CompletedTask;
    });

    private void Parse(int index)
    {
        Span<byte> scratch = stackalloc byte[StatusMessage.MaxPayloadBytes];
        Expect(StatusMessage.TryParse(_heartbeats[index], scratch, out _));
    }

    private void Find(int index)
    {
        Span<byte> id = stackalloc byte[StatusMessage.MaxDeviceIdBytes];
        var length = System.Text.Encoding.ASCII.GetBytes(_fleet.DeviceIds[_heartbeats.DeviceOf(index)], id);
        Expect(_app.Services.GetRequiredService<DeviceCache>().Find(id[..length]) is not null);
    }

    private void Believe(int index)
    {
        var device = _devices[_heartbeats.DeviceOf(index)];
        var proof = StatusBelief.ProofOf(_heartbeats[index], StatusSource.Anyone, device.Key, unsignedAllowed: false);
        Span<byte> scratch = stackalloc byte[StatusMessage.MaxPayloadBytes];
        Expect(StatusMessage.TryParse(_heartbeats[index], scratch, out var message));
        Expect(StatusBelief.Of(message, proof, device, TimeProvider.System.GetUtcNow()) is Belief.Believed);
    }

    private void Sign(int index)
    {
        const int LineBytes = 330;
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_fleet.Keys[_heartbeats.DeviceOf(index)], _heartbeats[index][..LineBytes], mac);
    }

    private Task Coalesce()
    {
        foreach (var batch in _batches)
        {
            var pending = new PendingBatch();
            Array.ForEach(batch, pending.Add);
            Expect(pending.ToBatch().Reports.Count == batch.Length);
        }

        return Task.CompletedTask;
    }

    private async Task WriteAsync()
    {
        var store = _app.Services.GetRequiredService<IDeviceStore>();
        foreach (var batch in _batches)
        {
            Expect((await store.ApplyAsync(new DeviceBatch(batch, [], []), default)).Outdated.Count == 0);
        }
    }

    private DeviceReport ReportOf(int index)
    {
        var device = _devices[_heartbeats.DeviceOf(index)];
        var receivedAt = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        return new DeviceReport(device.DeviceId, receivedAt, LockStatus.Locked, null, index, 1, true, "1.0.0", -60, null, index, device.KeyFrom);
    }

    private static void Expect(bool isSo)
    {
        if (!isSo)
        {
            throw new InvalidOperationException("A part did not do its work.");
        }
    }
}
