using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoLockStore(MongoDatabase database, MongoLocks locks, MongoRegistrations registrations, MongoLockChanges changes, LogIds ids)
    : ILockStore
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    /// <summary>All but what a later registration of the device id goes on from.</summary>
    private static readonly string[] Removed =
    [
        LockFields.Name, LockFields.Owner, LockFields.OwnerKey, LockFields.Slot, LockFields.Status, LockFields.State, LockFields.LastSeen,
        LockFields.Issue, LockFields.CreatedAt, LockFields.Unsigned, LockFields.Key, LockFields.SentAt, LockFields.ConnectedAt, LockFields.OwnTopics,
        LockFields.Firmware, LockFields.Rssi, LockFields.BatteryMv, LockFields.UptimeS, LockFields.LastIssuedAt, LockFields.Tenure,
        LockFields.OwnedSince, LockFields.Earlier, LockFields.Shares, LockFields.Batch, LockFields.Heir,
        LockFields.KeyFrom,
    ];

    private readonly IMongoCollection<BsonDocument> _logs = database.Collection("logs");

    public async Task<RegisterLockOutcome> RegisterAsync(NewLock newLock, int maxPerOwner, NewAuditEntry entry, CancellationToken ct) =>
        (await registrations.RegisterAsync(newLock, maxPerOwner, entry, ct)).Outcome;

    public async Task<VisibleLock?> FindAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct) =>
        await locks.FindLockAsync(deviceId, ct) is { } found ? VisibleTo(found, username, now) : null;

    /// <summary>Both halves come in the order of an index and are merged: the cost of a page follows its length.</summary>
    public async Task<Page<VisibleLock>> ListAsync(string username, DateTimeOffset now, string? afterDeviceId, int limit, CancellationToken ct)
    {
        var nameKey = MongoNames.KeyOf(username);
        var own = await locks.ListAsync(Filter.Eq(LockFields.OwnerKey, nameKey), afterDeviceId, limit + 1, ct);
        var shared = await locks.ListAsync(MongoLocks.IsShared(nameKey, now), afterDeviceId, limit + 1, ct);

        // One that changed hands between the two reads may be in both.
        var found = own.Concat(shared)
            .DistinctBy(row => row[LockFields.Id].AsString)
            .OrderBy(row => row[LockFields.Id].AsString, StringComparer.Ordinal)
            .Take(limit + 1)
            .Select(row => VisibleTo(row, username, now))
            .OfType<VisibleLock>()
            .ToList();
        return LockCursor.Instance.Page(found, limit, static item => item.Lock.DeviceId);
    }

    public async Task<LockHistory?> FindHistoryAsync(
        string deviceId,
        string username,
        DateTimeOffset now,
        DateTimeOffset since,
        int limit,
        CancellationToken ct) =>
        await locks.FindLockAsync(deviceId, ct) is { } found && VisibleTo(found, username, now) is { } visible
            ? new LockHistory(visible, await ReadChangesAsync(found[LockFields.Tenure], since, limit, ct))
            : null;

    public async Task<ChangeLockOutcome> RenameAsync(LockChange change, string name, CancellationToken ct) =>
        (await changes.ChangeAsync(
            change,
            AuditActions.LockRenamed,
            found => Plan(found, change, Update.Set(LockFields.Name, name), AuditActions.LockRenamed, AuditResults.Renamed),
            ct)).Outcome;

    public async Task<int> ForgetCommandsAsync(LockChange change, DateTimeOffset issuedBefore, int limit, CancellationToken ct)
    {
        var found = await locks.FindLockAsync(change.DeviceId, ct);
        if (found is null || MongoAccess.Of(found, change.Actor, change.Now) is not LockAccess.Owner)
        {
            return 0;
        }

        // By tenure, in case the lock is removed and the device id registered anew in between.
        return await locks.DeleteCommandsAsync(
            Filter.Eq("device_id", change.DeviceId) & Filter.In("tenure", TenuresOf(found)) & Filter.Ne("state", "Sent")
                & Filter.Lt("issued_at", issuedBefore.ToUnixTimeMilliseconds()),
            limit,
            ct);
    }

    /// <summary>From the one write on, the lock is gone, its device id and slot are free, and what is left is to be tidied up.</summary>
    public async Task<ChangeLockOutcome> RemoveAsync(LockChange change, CancellationToken ct)
    {
        var (outcome, _) = await changes.ChangeAsync(
            change,
            AuditActions.LockRemoved,
            found => Plan(found, change, Remove(found, change), AuditActions.LockRemoved, AuditResults.Removed),
            ct);
        if (outcome is ChangeLockOutcome.Changed)
        {
            await locks.TryTidyAsync(change.DeviceId);
        }

        return outcome;
    }

    /// <summary>The write of <see cref="RemoveAsync"/>.</summary>
    public static UpdateDefinition<BsonDocument> Remove(BsonDocument found, LockChange change) => Update.Combine(
        [
            .. Removed.Select(field => Update.Unset(field)),
            Update.Set(LockFields.Deleted, true),
            Update.Set(LockFields.LastKeyFrom, found[LockFields.KeyFrom]),
            Update.Set(LockFields.TidyAt, change.Now.ToUnixTimeMilliseconds()),
            Update.AddToSetEach(LockFields.Ended, TenuresOf(found)),
        ]);

    public async Task<ReplaceKeyResult> ReplaceKeyAsync(LockChange change, byte[] protectedKey, bool endUnsigned, CancellationToken ct)
    {
        var (outcome, changed) = await changes.ChangeAsync(
            change,
            AuditActions.KeyRotated,
            found =>
            {
                var update = Update.Set(LockFields.Key, protectedKey).Set(LockFields.KeyFrom, ids.Next(found[LockFields.KeyFrom].ToInt64()));
                var isEnd = endUnsigned && found.IsTrue(LockFields.Unsigned);
                return Plan(
                    found,
                    change,
                    isEnd ? update.Set(LockFields.Unsigned, false) : update,
                    AuditActions.KeyRotated,
                    isEnd ? AuditResults.RotatedToSigned : AuditResults.Rotated);
            },
            ct);
        return new ReplaceKeyResult(outcome, changed is null ? null : MongoLockRow.Read(changed));
    }

    private static PlannedChange Plan(BsonDocument found, LockChange change, UpdateDefinition<BsonDocument> update, string action, string result) =>
        new(update, (new NewAuditEntry(change.Now, change.DeviceId, change.Actor, action, result), found[LockFields.Tenure].AsString));

    private static IEnumerable<string> TenuresOf(BsonDocument found) =>
        found.GetValue(LockFields.Earlier, new BsonArray()).AsBsonArray.Append(found[LockFields.Tenure]).Select(tenure => tenure.AsString);

    private static VisibleLock? VisibleTo(BsonDocument row, string username, DateTimeOffset now) =>
        MongoAccess.Of(row, username, now) is { } access ? new VisibleLock(MongoLockRow.Read(row), access) : null;

    private Task<List<StateChange>> ReadChangesAsync(BsonValue tenure, DateTimeOffset since, int limit, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            using var cursor = await _logs.Find(Filter.Eq("tenure", tenure) & Filter.Eq("action", AuditActions.Connectivity))
                .Project(Builders<BsonDocument>.Projection.Include("time").Include("result"))
                .Sort(Builders<BsonDocument>.Sort.Descending("id"))
                .Limit(limit)
                .ToCursorAsync(token);
            var changes = new List<StateChange>();
            while (await cursor.MoveNextAsync(token))
            {
                foreach (var entry in cursor.Current)
                {
                    changes.Add(new StateChange(entry.Time("time"), AuditResults.IssueOf(entry["result"].AsString)));
                    if (changes[^1].Time < since)
                    {
                        return changes;
                    }
                }
            }

            return changes;
        },
        ct);
}
