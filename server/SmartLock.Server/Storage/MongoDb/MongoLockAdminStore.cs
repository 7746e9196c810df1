using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoLockAdminStore(MongoLocks locks, MongoRegistrations registrations, MongoAccountReads accounts, MongoLockChanges changes)
    : ILockAdminStore
{
    private const string HeirId = $"{LockFields.Heir}.id";

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    public async Task<Page<Lock>> ListAsync(string? owner, LockState? state, string? afterDeviceId, int limit, CancellationToken ct)
    {
        var filter = owner is null ? Filter.Empty : Filter.Eq(LockFields.OwnerKey, MongoNames.KeyOf(owner));
        if (state is { } wanted)
        {
            filter &= Filter.Eq(LockFields.State, wanted.ToString());
        }

        var found = await locks.ListAsync(filter, afterDeviceId, limit + 1, ct);
        return LockCursor.Everybodys.Page(found.ConvertAll(MongoLockRow.Read), limit, static item => item.DeviceId);
    }

    public async Task<ReassignResult> ReassignAsync(LockChange change, string owner, int maxPerOwner, CancellationToken ct)
    {
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            if (await TryReassignAsync(change, owner, maxPerOwner, tries, ct) is { } result)
            {
                return result;
            }
        }

        throw MongoLockChanges.TooBusy();
    }

    /// <summary>
    /// As a registration does with a reservation, the heir is written down before it is looked at once more: an account that is deleted meanwhile
    /// either strikes itself out, or is found to be gone. Null when others got ahead.
    /// </summary>
    private async Task<ReassignResult?> TryReassignAsync(LockChange change, string owner, int maxPerOwner, int tries, CancellationToken ct)
    {
        if (await locks.FindLockAsync(change.DeviceId, ct) is not { } found)
        {
            return new ReassignResult(ReassignOutcome.LockNotFound);
        }

        if (await accounts.FindEnabledAsync(owner, ct) is not { } username)
        {
            return new ReassignResult(ReassignOutcome.UserNotFound);
        }

        if (found[LockFields.Owner].AsString == username)
        {
            return new ReassignResult(ReassignOutcome.AlreadyOwner, MongoLockRow.Read(found));
        }

        if (await registrations.FindRoomAsync(username, maxPerOwner, tries, ct) is not { } room)
        {
            return new ReassignResult(ReassignOutcome.TooManyLocks);
        }

        var heir = new BsonDocument { { "id", room.Tenure }, { ShareFields.NameKey, room.OwnerKey } };
        if (await changes.TryAsync(found, new PlannedChange(Update.Set(LockFields.Heir, heir)), ct) is not { } named)
        {
            return null;
        }

        if (await accounts.FindEnabledAsync(owner, ct) is null)
        {
            await changes.TryAsync(named, Filter.Eq(HeirId, room.Tenure), new PlannedChange(Update.Unset(LockFields.Heir)), ct);
            return new ReassignResult(ReassignOutcome.UserNotFound);
        }

        var given = await changes.TryAsync(named, Filter.Eq(HeirId, room.Tenure) & MongoAccess.IsThere, Plan(named, change, username, room), ct);
        return given is null ? null : new ReassignResult(ReassignOutcome.Reassigned, MongoLockRow.Read(given));
    }

    private static PlannedChange Plan(BsonDocument found, LockChange change, string username, Reservation room)
    {
        var taken = new NewAuditEntry(
            change.Now,
            change.DeviceId,
            change.Actor,
            AuditActions.LockReassigned,
            AuditResults.TakenFrom,
            Target: found[LockFields.Owner].AsString);
        var update = Update.Set(LockFields.Owner, username)
            .Set(LockFields.OwnerKey, room.OwnerKey)
            .Set(LockFields.Slot, room.Slot)
            .Set(LockFields.Tenure, room.Tenure)
            .Set(LockFields.OwnedSince, change.Now.ToUnixTimeMilliseconds())
            .Push(LockFields.Earlier, found[LockFields.Tenure])
            .Unset(LockFields.Shares)
            .Unset(LockFields.Heir);

        // In this order: the new owner's log begins with the second, and who had the lock before is not told there.
        return new PlannedChange(
            update,
            (taken, found[LockFields.Tenure].AsString),
            (taken with { Result = AuditResults.GivenTo, Target = username }, room.Tenure));
    }
}
