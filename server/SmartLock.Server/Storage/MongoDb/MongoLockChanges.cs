using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <param name="Entries">With the tenures that they are of.</param>
internal sealed record PlannedChange(UpdateDefinition<BsonDocument> Update, params IReadOnlyList<(NewAuditEntry Entry, string? Tenure)> Entries);

/// <summary>
/// What people change of a lock: it is read, decided on, and written if it is still as it was read; else all over again. The log entries ride
/// in the same write and stand in the chain when a method returns.
/// </summary>
internal sealed class MongoLockChanges(MongoLocks locks, MongoLog log)
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    public static StoreUnavailableException TooBusy() => new("Others change the same at the same time; try again.");

    /// <summary>For its owner. The lock is as it is then; null unless changed.</summary>
    public async Task<(ChangeLockOutcome Outcome, BsonDocument? Lock)> ChangeAsync(
        LockChange change,
        string action,
        Func<BsonDocument, PlannedChange> plan,
        CancellationToken ct)
    {
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            var found = await locks.FindLockAsync(change.DeviceId, ct);
            switch (found is null ? null : MongoAccess.Of(found, change.Actor, change.Now))
            {
                case null:
                    return (ChangeLockOutcome.NotFound, null);
                case not LockAccess.Owner:
                    await AppendNotOwnerAsync(found!, change, action, ct);
                    return (ChangeLockOutcome.NotOwner, null);
            }

            if (await TryAsync(found!, plan(found!), ct) is { } changed)
            {
                return (ChangeLockOutcome.Changed, changed);
            }
        }

        throw TooBusy();
    }

    /// <summary>Null when the lock is not as it was found any more.</summary>
    public Task<BsonDocument?> TryAsync(BsonDocument found, PlannedChange planned, CancellationToken ct) =>
        TryAsync(found, Filter.Eq(LockFields.Rev, found[LockFields.Rev]) & MongoAccess.IsThere, planned, ct);

    /// <param name="guard">What must hold of the document beside its id.</param>
    public async Task<BsonDocument?> TryAsync(BsonDocument found, FilterDefinition<BsonDocument> guard, PlannedChange planned, CancellationToken ct)
    {
        var id = found[LockFields.Id];
        var update = planned.Update;
        if (planned.Entries.Count > 0)
        {
            update = Builders<BsonDocument>.Update.Combine(update, OutboxEntry.Push(await log.PrepareAsync(planned.Entries, ct)));
        }

        var changed = await locks.TryUpdateAsync(Filter.Eq(LockFields.Id, id) & guard, update, ct);
        if (changed is not null && planned.Entries.Count > 0)
        {
            // What is written is written: the caller's patience is no reason to leave its entry behind.
            await log.TryDrainAsync(locks.Documents, [id], CancellationToken.None);
        }

        return changed;
    }

    /// <summary>
    /// Who knows the lock tried to change it: that is the owner's to know. What strangers try, who are told that there is no such lock, changes
    /// nothing and leaves nothing.
    /// </summary>
    public async Task AppendNotOwnerAsync(BsonDocument found, LockChange change, string action, CancellationToken ct)
    {
        var entry = new NewAuditEntry(change.Now, change.DeviceId, change.Actor, action, AuditResults.NotOwner);
        await log.AppendAsync([await log.PrepareAsync(entry, found[LockFields.Tenure].AsString, ct)], ct);
    }
}
