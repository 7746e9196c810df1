using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What several stores read and write of locks and of devices that wait for their owners.</summary>
internal sealed class MongoLocks(MongoDatabase database, MongoAccountReads accounts, TimeProvider time)
{
    public IMongoCollection<LockDocument> Documents { get; } = database.Collection<LockDocument>(LockDocument.Collection);

    public IMongoCollection<PairingDocument> Pairings { get; } = database.Collection<PairingDocument>(PairingDocument.Collection);

    public IMongoCollection<CommandDocument> Commands { get; } = database.Collection<CommandDocument>(CommandDocument.Collection);

    public string NewOwnershipId() => Ids.NewUlid(time.GetUtcNow());

    public Task<LockDocument?> FindLockAsync(string deviceId, CancellationToken ct) =>
        database.ReadAsync(token => Documents.Find(LockDocument.ById(deviceId)).FirstOrDefaultAsync(token), ct)!;

    public Task<LockDocument?> FindLockAsync(MongoTransaction transaction, string deviceId) =>
        Documents.Find(transaction.Session, LockDocument.ById(deviceId)).FirstOrDefaultAsync(transaction.Ct)!;

    /// <summary>
    /// The lock, written to before anything else is read, so that others who want it meet this transaction at once. For a transaction that reads much
    /// before it changes the lock: it would always lose to shorter ones.
    /// </summary>
    public Task<LockDocument?> TakeAsync(MongoTransaction transaction, string deviceId) => Documents.FindOneAndUpdateAsync<LockDocument>(
        transaction.Session,
        LockDocument.ById(deviceId),
        Builders<LockDocument>.Update.Inc("rev", 1L),
        new FindOneAndUpdateOptions<LockDocument> { ReturnDocument = ReturnDocument.After },
        transaction.Ct)!;

    public Task<PairingDocument?> FindPairingAsync(MongoTransaction transaction, string deviceId) =>
        Pairings.Find(transaction.Session, PairingDocument.ById(deviceId)).FirstOrDefaultAsync(transaction.Ct)!;

    public Task UpdateAsync(MongoTransaction transaction, string deviceId, UpdateDefinition<LockDocument> update) =>
        Documents.UpdateOneAsync(transaction.Session, LockDocument.ById(deviceId), update, null, transaction.Ct);

    /// <summary>Whether the account may have one lock more, for as long as the transaction lasts: see <see cref="MongoTransaction.TouchAccountAsync"/>.</summary>
    public async Task<bool> HasRoomAsync(MongoTransaction transaction, string nameKey, int maxPerOwner)
    {
        await transaction.TouchAccountAsync(nameKey);
        var isGone = await accounts.IsGoneAsync(transaction.Session, nameKey, transaction.Ct);
        var owned = await CountOwnedAsync(transaction, nameKey, maxPerOwner);
        return LockChangeRules.HasRoom(isGone, owned, maxPerOwner);
    }

    /// <returns>At most <paramref name="most"/>.</returns>
    public Task<long> CountOwnedAsync(MongoTransaction transaction, string nameKey, int most) => Documents.CountDocumentsAsync(
        transaction.Session, Builders<LockDocument>.Filter.Eq(l => l.OwnerKey, nameKey), new CountOptions { Limit = most }, transaction.Ct);

    /// <summary>A lock has the device id, or a device that can still be claimed.</summary>
    public async Task<bool> IsTakenAsync(MongoTransaction transaction, string deviceId, DateTimeOffset now) =>
        await FindLockAsync(transaction, deviceId) is not null
        || (await FindPairingAsync(transaction, deviceId) is { } waiting && PairingRules.IsOpen(waiting.ToPairing(), now));

    /// <summary>Makes the device id, which is not taken, a lock: the last part of registering, claiming and adding.</summary>
    public async Task<LockDocument> InsertAsync(MongoTransaction transaction, NewLock newLock, NewAuditEntry entry)
    {
        var ownershipId = NewOwnershipId();

        // The chain outlives the lock, so the position of the entry is greater than that of any earlier key of the device id.
        var keyFrom = await transaction.AppendAsync(entry, ownershipId);
        var registered = LockDocument.Of(newLock, ownershipId, keyFrom);
        await Documents.InsertOneAsync(transaction.Session, registered, null, transaction.Ct);
        await Pairings.DeleteOneAsync(transaction.Session, PairingDocument.ById(newLock.DeviceId), null, transaction.Ct);
        return registered;
    }

    /// <summary>
    /// Deletes the lock with all that names it: its commands, the webhooks that are about it alone, and what any webhook was to be told of it. The log
    /// stays.
    /// </summary>
    public async Task DeleteAsync(MongoTransaction transaction, string deviceId)
    {
        var (session, ct) = (transaction.Session, transaction.Ct);
        await Documents.DeleteOneAsync(session, LockDocument.ById(deviceId), null, ct);
        await Commands.DeleteManyAsync(session, Builders<CommandDocument>.Filter.Eq(c => c.DeviceId, deviceId), null, ct);

        var webhooks = database.Collection<WebhookDocument>(WebhookDocument.Collection);
        var isAbout = Builders<WebhookDocument>.Filter.Eq(w => w.DeviceId, deviceId);
        var about = await webhooks.Find(session, isAbout).Project(w => w.Id).ToListAsync(ct);
        var where = Builders<DeliveryDocument>.Filter;
        await database.Collection<DeliveryDocument>(DeliveryDocument.Collection).DeleteManyAsync(
            session, where.Eq(d => d.DeviceId, deviceId) | where.In(d => d.WebhookId, about), null, ct);
        if (about.Count > 0)
        {
            await webhooks.DeleteManyAsync(session, isAbout, null, ct);
        }
    }

    /// <summary>For the account's deletion, which touches the account.</summary>
    public async Task<bool> OwnsAnyAsync(MongoTransaction transaction, string nameKey) => await CountOwnedAsync(transaction, nameKey, 1) > 0;

    /// <summary>For the account's deletion: nothing is shared with it any more.</summary>
    public Task EndSharesOfAsync(MongoTransaction transaction, string nameKey) =>
        Documents.UpdateManyAsync(transaction.Session, IsSharedWith(nameKey), EndShareOf(nameKey), null, transaction.Ct);

    public static UpdateDefinition<LockDocument> EndShareOf(string nameKey) =>
        Builders<LockDocument>.Update.PullFilter(l => l.Shares, Builders<ShareDocument>.Filter.Eq(s => s.NameKey, nameKey));

    private static FilterDefinition<LockDocument> IsSharedWith(string nameKey) => Builders<LockDocument>.Filter.Eq("shares.name_key", nameKey);
}
