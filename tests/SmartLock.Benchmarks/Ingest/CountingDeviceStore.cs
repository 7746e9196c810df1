using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;

namespace SmartLock.Benchmarks;

/// <summary>Counts what reaches the store: how far heartbeats were coalesced.</summary>
internal sealed class CountingDeviceStore(IDeviceStore store) : IDeviceStore
{
    private long _batches;
    private long _reports;

    public long Batches => Interlocked.Read(ref _batches);

    public long Reports => Interlocked.Read(ref _reports);

    public Task<DeviceRecord?> FindAsync(string deviceId, CancellationToken ct) => store.FindAsync(deviceId, ct);

    public Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct)
    {
        Interlocked.Increment(ref _batches);
        Interlocked.Add(ref _reports, batch.Reports.Count);
        return store.ApplyAsync(batch, ct);
    }

    public Task<IReadOnlyList<string>> MarkOfflineAsync(DateTimeOffset reportedBefore, DateTimeOffset now, int limit, CancellationToken ct) =>
        store.MarkOfflineAsync(reportedBefore, now, limit, ct);
}
