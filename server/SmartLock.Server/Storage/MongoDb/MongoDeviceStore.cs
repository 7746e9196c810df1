using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoDeviceStore(MongoDatabase database, MongoReports reports, MongoCommandEnds commands) : IDeviceStore, IMongoSetup
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    private static readonly FilterDefinition<BsonDocument> IsAvailable = Filter.Eq(LockFields.State, nameof(LockState.Available));

    private readonly IMongoCollection<BsonDocument> _locks = database.Collection(LockFields.Collection);

    public Task SetUpAsync(CancellationToken ct) =>
        _locks.Indexes.CreateManyAsync(
            [
                new(
                    Builders<BsonDocument>.IndexKeys.Ascending(LockFields.LastSeen),
                    new CreateIndexOptions<BsonDocument> { Name = "heard", PartialFilterExpression = IsAvailable }),
                OutboxEntry.Index(),
            ],
            ct);

    public async Task<DeviceRecord?> FindAsync(string deviceId, CancellationToken ct)
    {
        var stored = await database.ReadAsync(
            token => _locks.Find(Filter.Eq("_id", deviceId) & MongoAccess.IsThere)
                .Project(Builders<BsonDocument>.Projection
                    .Include(LockFields.Key)
                    .Include(LockFields.Unsigned)
                    .Include(LockFields.SentAt)
                    .Include(LockFields.ConnectedAt)
                    .Include(LockFields.KeyFrom))
                .FirstOrDefaultAsync(token),
            ct);
        return stored is null
            ? null
            : new DeviceRecord(
                deviceId,
                stored[LockFields.Key].AsByteArray,
                stored.IsTrue(LockFields.Unsigned),
                stored.Int64OrNull(LockFields.SentAt) ?? 0,
                stored.Int64OrNull(LockFields.ConnectedAt) ?? 0,
                stored[LockFields.KeyFrom].ToInt64());
    }

    /// <summary>Not all or nothing; but what is applied already is applied again without harm when the caller tries again.</summary>
    public Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var told = batch.Reports.Select(r => r.DeviceId).Concat(batch.Verdicts.Select(v => v.DeviceId)).Distinct();
                var locks = await reports.ReadAsync(told, token);
                var reported = await reports.ApplyAsync(batch.Reports, locks, token);

                // After the reports.
                var wentAway = await reports.ApplyAsync(batch.Losses, token);
                var decided = await commands.DecideAsync([.. batch.Verdicts.Where(v => HasKey(v.DeviceId, v.KeyFrom))], token);

                // After the verdicts, since a device that has one to give knows better.
                var seen = await commands.SeeAsync([.. batch.Reports.Where(r => r.Unsigned && HasKey(r.DeviceId, r.KeyFrom) && IsUnsigned(r.DeviceId))], token);
                return new DeviceBatchResult(reported.Changed, reported.CameBack, wentAway, [.. decided, .. seen], reported.Outdated)
                {
                    Replayed = reported.Replayed,
                };

                bool HasKey(string deviceId, long keyFrom) =>
                    locks.TryGetValue(deviceId, out var stored) && stored[LockFields.KeyFrom].ToInt64() == keyFrom;

                bool IsUnsigned(string deviceId) => locks[deviceId].IsTrue(LockFields.Unsigned);
            },
            ct);

    public Task<IReadOnlyList<string>> MarkSilentAsync(DateTimeOffset heardBefore, DateTimeOffset now, int limit, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var silent = await _locks.Find(IsAvailable & Filter.Lt(LockFields.LastSeen, heardBefore.ToUnixTimeMilliseconds()) & MongoAccess.IsThere)
                    .Sort(Builders<BsonDocument>.Sort.Ascending(LockFields.LastSeen))
                    .Limit(limit)
                    .Project(Builders<BsonDocument>.Projection
                        .Include(LockFields.LastSeen)
                        .Include(LockFields.ConnectedAt)
                        .Include(LockFields.KeyFrom)
                        .Include(LockFields.Tenure))
                    .ToListAsync(token);
                return await reports.SilenceAsync([.. silent.Select(l => new Silence(l, LockIssues.NoHeartbeat, now))], token);
            },
            ct);
}
