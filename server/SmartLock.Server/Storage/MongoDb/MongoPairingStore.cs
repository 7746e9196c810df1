using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoPairingStore(MongoDatabase database, MongoLocks locks, MongoAccountReads accounts) : IPairingStore
{
    public Task<AddDeviceOutcome> AddAsync(NewPairing pairing, string actor, CancellationToken ct) => database.TransactAsync(
        [pairing.DeviceId],
        async transaction =>
        {
            var decision = ClaimRules.Add(pairing, actor, await locks.IsTakenAsync(transaction, pairing.DeviceId, pairing.CreatedAt));
            if (decision.Entry is { } entry)
            {
                await locks.Pairings.ReplaceOneAsync(
                    transaction.Session,
                    PairingDocument.ById(pairing.DeviceId),
                    PairingDocument.Of(pairing),
                    new ReplaceOptions { IsUpsert = true },
                    transaction.Ct);
                await transaction.AppendAsync(entry, null);
            }

            return decision.Outcome;
        },
        ct);

    public Task<AddDeviceResult> AddOwnedAsync(NewLock newLock, int maxPerOwner, string actor, CancellationToken ct)
    {
        var ownerKey = MongoNames.KeyOf(newLock.Owner);
        return database.TransactAsync(
            [newLock.DeviceId, MongoTransaction.TurnOf(ownerKey)],
            async transaction =>
            {
                var owner = await accounts.FindEnabledAsync(transaction.Session, newLock.Owner, transaction.Ct);
                var hasRoom = owner is not null && await locks.HasRoomAsync(transaction, ownerKey, maxPerOwner);
                var isTaken = await locks.IsTakenAsync(transaction, newLock.DeviceId, newLock.CreatedAt);
                var decision = ClaimRules.AddOwned(newLock, actor, owner, hasRoom, isTaken);
                return decision.Entry is { } entry
                    ? new AddDeviceResult(decision.Outcome, (await locks.InsertAsync(transaction, newLock with { Owner = owner! }, entry)).ToLock())
                    : new AddDeviceResult(decision.Outcome);
            },
            ct);
    }

    public Task<Page<Pairing>> ListAsync(string? afterDeviceId, int limit, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var found = await locks.Pairings.Find(Builders<PairingDocument>.Filter.Gt(p => p.DeviceId, afterDeviceId ?? ""))
                .SortBy(p => p.DeviceId)
                .Limit(limit + 1)
                .ToListAsync(token);
            return LockCursor.Pairings.Page(found.ConvertAll(p => p.ToPairing()), limit, static item => item.DeviceId);
        },
        ct);

    public Task<bool> RemoveAsync(LockChange change, CancellationToken ct) => database.TransactAsync(
        [change.DeviceId],
        async transaction =>
        {
            var deleted = await locks.Pairings.DeleteOneAsync(transaction.Session, PairingDocument.ById(change.DeviceId), null, transaction.Ct);
            if (deleted.DeletedCount == 0)
            {
                return false;
            }

            await transaction.AppendAsync(ClaimRules.Removed(change), null);
            return true;
        },
        ct);

    /// <summary>All is read before it is decided, so that a refusal takes the same steps whatever its reason.</summary>
    public Task<ClaimResult> ClaimAsync(LockChange change, string name, byte[] codeHash, int maxPerOwner, CancellationToken ct)
    {
        var actorKey = MongoNames.KeyOf(change.Actor);
        return database.TransactAsync(
            [change.DeviceId, MongoTransaction.TurnOf(actorKey)],
            async transaction =>
            {
                var hasRoom = await locks.HasRoomAsync(transaction, actorKey, maxPerOwner);
                var waiting = await locks.FindPairingAsync(transaction, change.DeviceId);
                var wrongCodes = waiting?.WrongBy?.GetValueOrDefault(database.Names.HashOf(actorKey)) ?? 0;
                var found = waiting is null ? null : new WaitingDevice(waiting.ToPairing(), waiting.Key, waiting.CodeHash);
                var decision = ClaimRules.Claim(change, name, codeHash, found, wrongCodes, hasRoom);
                return decision switch
                {
                    { NewLock: { } claimed, Entry: { } entry } =>
                        new ClaimResult(decision.Outcome, (await locks.InsertAsync(transaction, claimed, entry)).ToLock()),
                    { Outcome: ClaimOutcome.Refused } => await RefuseAsync(transaction, change.DeviceId, actorKey, decision.CountsAsWrong, decision.Entry),
                    _ => new ClaimResult(decision.Outcome),
                };
            },
            ct);
    }

    private async Task<ClaimResult> RefuseAsync(MongoTransaction transaction, string deviceId, string actorKey, bool countsAsWrong, NewAuditEntry? entry)
    {
        if (countsAsWrong)
        {
            var count = Builders<PairingDocument>.Update.Inc(p => p.WrongCodes, 1).Inc($"wrong_by.{database.Names.HashOf(actorKey)}", 1);
            await locks.Pairings.UpdateOneAsync(transaction.Session, PairingDocument.ById(deviceId), count, null, transaction.Ct);
        }
        else
        {
            // It costs a write as well, and nobody can tell it from the others by that.
            await transaction.TouchAccountAsync(actorKey);
        }

        if (entry is not null)
        {
            await transaction.AppendAsync(entry, null);
        }

        return new ClaimResult(ClaimOutcome.Refused);
    }
}
