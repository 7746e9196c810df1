using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoLockStore(MongoDatabase database, MongoLocks locks) : ILockStore
{
    private static readonly FilterDefinitionBuilder<LockDocument> Where = Builders<LockDocument>.Filter;
    private static readonly FilterDefinitionBuilder<ShareDocument> WhereShare = Builders<ShareDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<LockDocument> Change = Builders<LockDocument>.Update;

    private readonly IMongoCollection<LogDocument> _logs = database.Collection<LogDocument>(LogDocument.Collection);

    public Task<RegisterLockOutcome> RegisterAsync(NewLock newLock, int maxPerOwner, NewAuditEntry entry, CancellationToken ct)
    {
        var ownerKey = MongoNames.KeyOf(newLock.Owner);
        return database.TransactAsync(
            [newLock.DeviceId, MongoTransaction.TurnOf(ownerKey)],
            async transaction =>
            {
                var hasRoom = await locks.HasRoomAsync(transaction, ownerKey, maxPerOwner);
                var outcome = LockChangeRules.Register(hasRoom, await locks.IsTakenAsync(transaction, newLock.DeviceId, newLock.CreatedAt));
                if (outcome is RegisterLockOutcome.Registered)
                {
                    await locks.InsertAsync(transaction, newLock, entry);
                }

                return outcome;
            },
            ct);
    }

    public async Task<VisibleLock?> FindAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct) =>
        await locks.FindLockAsync(deviceId, ct) is { } found ? VisibleTo(found, username, now) : null;

    /// <summary>Both halves come in the order of an index and are merged: the cost of a page follows its length.</summary>
    public async Task<Page<VisibleLock>> ListAsync(string username, DateTimeOffset now, string? afterDeviceId, int limit, CancellationToken ct)
    {
        var nameKey = MongoNames.KeyOf(username);
        var holds = WhereShare.Eq(s => s.NameKey, nameKey)
            & (WhereShare.Eq(s => s.From, null) | WhereShare.Lte(s => s.From, now))
            & (WhereShare.Eq(s => s.Until, null) | WhereShare.Gt(s => s.Until, now));
        var own = await FindManyAsync(Where.Eq(l => l.OwnerKey, nameKey));
        var shared = await FindManyAsync(Where.ElemMatch(l => l.Shares, holds));

        // One that changed hands between the two reads may be in both.
        var found = own.Concat(shared)
            .DistinctBy(l => l.DeviceId)
            .OrderBy(l => l.DeviceId, StringComparer.Ordinal)
            .Take(limit + 1)
            .Select(l => VisibleTo(l, username, now))
            .OfType<VisibleLock>()
            .ToList();
        return LockCursor.Instance.Page(found, limit, static item => item.Lock.DeviceId);

        Task<List<LockDocument>> FindManyAsync(FilterDefinition<LockDocument> which) => database.ReadAsync(
            token => locks.Documents.Find(which & Where.Gt(l => l.DeviceId, afterDeviceId ?? ""))
                .SortBy(l => l.DeviceId)
                .Limit(limit + 1)
                .ToListAsync(token),
            ct);
    }

    public async Task<LockHistory?> FindHistoryAsync(
        string deviceId,
        string username,
        DateTimeOffset now,
        DateTimeOffset since,
        int limit,
        CancellationToken ct) =>
        await locks.FindLockAsync(deviceId, ct) is { } found && VisibleTo(found, username, now) is { } visible
            ? new LockHistory(visible, await ReadChangesAsync(found.OwnershipId, since, limit, ct))
            : null;

    public Task<ChangeLockOutcome> EditAsync(LockChange change, LockEdit edit, CancellationToken ct) =>
        ChangeAsync(
            change,
            found => LockChangeRules.Edit(change, found?.AccessOf(change.Actor, change.Now)),
            (transaction, found, _) => locks.UpdateAsync(transaction, change.DeviceId, Change.Set(l => l.Name, edit.Name ?? found.Name)),
            ct);

    public Task<int> ForgetCommandsAsync(LockChange change, DateTimeOffset issuedBefore, int limit, CancellationToken ct) =>
        database.TransactAsync(
            async transaction =>
            {
                var found = await locks.FindLockAsync(transaction, change.DeviceId);
                if (found?.AccessOf(change.Actor, change.Now) is not LockAccess.Owner)
                {
                    return 0;
                }

                var where = Builders<CommandDocument>.Filter;
                var ended = where.Eq(c => c.DeviceId, change.DeviceId)
                    & where.Ne(c => c.State, CommandState.Sent)
                    & where.Lt(c => c.IssuedAt, issuedBefore);

                // The oldest first: ids begin with the time.
                var ids = await locks.Commands.Find(transaction.Session, ended)
                    .SortBy(c => c.Id)
                    .Limit(limit)
                    .Project(c => c.Id)
                    .ToListAsync(transaction.Ct);
                if (ids.Count > 0)
                {
                    await locks.Commands.DeleteManyAsync(transaction.Session, where.In(c => c.Id, ids), null, transaction.Ct);
                }

                return ids.Count;
            },
            ct);

    public Task<ChangeLockOutcome> RemoveAsync(LockChange change, CancellationToken ct) =>
        ChangeAsync(
            change,
            found => LockChangeRules.Remove(change, found?.AccessOf(change.Actor, change.Now)),
            (transaction, _, _) => locks.DeleteAsync(transaction, change.DeviceId),
            ct);

    public async Task<ReplaceKeyResult> ReplaceKeyAsync(LockChange change, byte[] protectedKey, bool endUnsigned, CancellationToken ct)
    {
        Lock? changed = null;
        var outcome = await ChangeAsync(
            change,
            found => LockChangeRules.ReplaceKey(change, found?.AccessOf(change.Actor, change.Now), found?.Unsigned is true, endUnsigned),
            async (transaction, found, logId) =>
            {
                var isUnsigned = found.Unsigned && !endUnsigned;
                await locks.UpdateAsync(
                    transaction,
                    change.DeviceId,
                    Change.Set(l => l.Key, protectedKey).Set(l => l.KeyFrom, logId).Set(l => l.Unsigned, isUnsigned));
                changed = found.ToLock() with { Unsigned = isUnsigned };
            },
            ct);
        return new ReplaceKeyResult(outcome, outcome is ChangeLockOutcome.Changed ? changed : null);
    }

    private static VisibleLock? VisibleTo(LockDocument found, string username, DateTimeOffset now) =>
        found.AccessOf(username, now) is { } access ? new VisibleLock(found.ToLock(), access) : null;

    /// <param name="write">Is given the lock as it was, and the log id of the change's entry.</param>
    private Task<ChangeLockOutcome> ChangeAsync(
        LockChange change,
        Func<LockDocument?, LockChangeDecision> decide,
        Func<MongoTransaction, LockDocument, long, Task> write,
        CancellationToken ct) =>
        database.TransactAsync(
            [change.DeviceId],
            async transaction =>
            {
                var found = await locks.FindLockAsync(transaction, change.DeviceId);
                var decision = decide(found);
                if (decision.Entry is { } entry)
                {
                    var logId = await transaction.AppendAsync(entry, found!.OwnershipId);
                    if (decision.Outcome is ChangeLockOutcome.Changed)
                    {
                        await write(transaction, found, logId);
                    }
                }

                return decision.Outcome;
            },
            ct);

    private Task<List<StateChange>> ReadChangesAsync(string ownershipId, DateTimeOffset since, int limit, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var where = Builders<LogDocument>.Filter;
            using var cursor = await _logs.Find(where.Eq(l => l.OwnershipId, ownershipId) & where.Eq(l => l.Action, AuditActions.Connectivity))
                .SortByDescending(l => l.LogId)
                .Limit(limit)
                .Project(l => new { l.Time, l.Issue })
                .ToCursorAsync(token);
            var changes = new List<StateChange>();
            while (await cursor.MoveNextAsync(token))
            {
                foreach (var entry in cursor.Current)
                {
                    changes.Add(new StateChange(DateTimeOffset.FromUnixTimeMilliseconds(entry.Time), entry.Issue));
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
