using MongoDB.Driver;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoDeviceStore(MongoDatabase database, MongoHeartbeats heartbeats) : IDeviceStore
{
    private readonly IMongoCollection<LockDocument> _locks = database.Collection<LockDocument>(LockDocument.Collection);

    public Task<DeviceRecord?> FindAsync(string deviceId, CancellationToken ct) => database.ReadAsync(
        async token => await _locks.Find(LockDocument.ById(deviceId)).FirstOrDefaultAsync(token) is { } found
            ? new DeviceRecord(deviceId, found.Key, found.Unsigned, found.SentAt, found.ConnectedAt, found.KeyFrom, found.Boot) { Owner = found.Owner }
            : null,
        ct);

    public Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct) => heartbeats.ApplyAsync(batch, ct);

    public Task<IReadOnlyList<string>> MarkOfflineAsync(DateTimeOffset reportedBefore, DateTimeOffset now, int limit, CancellationToken ct) =>
        database.TransactAsync<IReadOnlyList<string>>(
            async transaction =>
            {
                var where = Builders<LockDocument>.Filter;
                var isSilent = where.Lt(l => l.LastSeen, reportedBefore) | where.Gt(l => l.LastSeen, now + ReportRules.MaxSkew);
                var silent = await _locks.Find(transaction.Session, where.Eq(l => l.State, LockState.Available) & isSilent)
                    .SortBy(l => l.LastSeen)
                    .Limit(limit)
                    .Project(l => new { l.DeviceId, l.OwnershipId })
                    .ToListAsync(transaction.Ct);
                if (silent.Count > 0)
                {
                    await _locks.UpdateManyAsync(
                        transaction.Session,
                        where.In(l => l.DeviceId, silent.Select(l => l.DeviceId)),
                        Builders<LockDocument>.Update.Set(l => l.State, LockState.Unavailable).Set(l => l.Issue, LockIssues.NoHeartbeat),
                        null,
                        transaction.Ct);
                    await transaction.AppendAsync([.. silent.Select(l => (ReportRules.Silent(l.DeviceId, now), (string?)l.OwnershipId))]);
                }

                return [.. silent.Select(l => l.DeviceId)];
            },
            ct);
}
