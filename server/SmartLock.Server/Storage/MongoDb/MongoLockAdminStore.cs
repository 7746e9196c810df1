using MongoDB.Driver;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoLockAdminStore(MongoDatabase database, MongoLocks locks, MongoAccountReads accounts) : ILockAdminStore
{
    public Task<Page<Lock>> ListAsync(string? owner, LockState? state, string? afterDeviceId, int limit, CancellationToken ct)
    {
        var where = Builders<LockDocument>.Filter;
        var filter = where.Gt(l => l.DeviceId, afterDeviceId ?? "");
        if (owner is not null)
        {
            filter &= where.Eq(l => l.OwnerKey, MongoNames.KeyOf(owner));
        }

        if (state is { } wanted)
        {
            filter &= where.Eq(l => l.State, wanted);
        }

        return database.ReadAsync(
            async token =>
            {
                var found = await locks.Documents.Find(filter).SortBy(l => l.DeviceId).Limit(limit + 1).ToListAsync(token);
                return LockCursor.Everybodys.Page(found.ConvertAll(l => l.ToLock()), limit, static item => item.DeviceId);
            },
            ct);
    }

    public Task<ReassignResult> ReassignAsync(LockChange change, string owner, int maxPerOwner, CancellationToken ct)
    {
        var ownerKey = MongoNames.KeyOf(owner);
        return database.TransactAsync(
            [change.DeviceId, MongoTransaction.TurnOf(ownerKey)],
            async transaction =>
            {
                var found = await locks.TakeAsync(transaction, change.DeviceId);
                var username = await accounts.FindEnabledAsync(transaction.Session, owner, transaction.Ct);
                var hasRoom = username is not null && await locks.HasRoomAsync(transaction, ownerKey, maxPerOwner);
                var decision = ReassignRules.Decide(change, found?.ToLock(), username, hasRoom);
                var (result, _, _) = decision;
                if (decision is { Taken: { } taken, Given: { } given })
                {
                    var ownershipId = locks.NewOwnershipId();
                    await locks.UpdateAsync(
                        transaction,
                        change.DeviceId,
                        Builders<LockDocument>.Update
                            .Set(l => l.Owner, username)
                            .Set(l => l.OwnerKey, ownerKey)
                            .Set(l => l.OwnershipId, ownershipId)
                            .Set(l => l.OwnedSince, change.Now)
                            .Unset(l => l.Shares));
                    await transaction.AppendAsync([(taken, found!.OwnershipId), (given, ownershipId)]);
                }

                return result;
            },
            ct);
    }
}
