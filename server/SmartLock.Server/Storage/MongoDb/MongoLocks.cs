using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// One document per device id, whether it waits for its owner, is a lock, or was one: <c>_id</c> decides between all who want a device id at
/// once. Fields are <see cref="LockFields"/>.
/// </summary>
internal sealed partial class MongoLocks(MongoDatabase database, TimeProvider time, ILogger<MongoLocks> logger) : IMongoSetup, IMongoOutbox
{
    /// <summary>How often a change is tried again that others got ahead of. Each time somebody else's was made.</summary>
    public const int MostTries = 200;

    private const string Commands = "commands";
    private const int MostAtOnce = 1_000;
    private const int MostTidied = 100;

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    private static readonly ProjectionDefinition<BsonDocument> WithoutOutbox = Builders<BsonDocument>.Projection.Exclude(OutboxEntry.Field);

    private readonly IMongoCollection<BsonDocument> _commands = database.Collection(Commands);

    public IMongoCollection<BsonDocument> Documents { get; } = database.Collection(LockFields.Collection);

    string IMongoOutbox.Collection => LockFields.Collection;

    public static FilterDefinition<BsonDocument> IsShared(string nameKey, DateTimeOffset now) => Filter.ElemMatch(
        LockFields.Shares,
        Filter.Eq(ShareFields.NameKey, nameKey)
            & (Filter.Exists(ShareFields.From, false) | Filter.Lte(ShareFields.From, now.ToUnixTimeMilliseconds()))
            & (Filter.Exists(ShareFields.Until, false) | Filter.Gt(ShareFields.Until, now.ToUnixTimeMilliseconds())));

    public async Task SetUpAsync(CancellationToken ct)
    {
        var keys = Builders<BsonDocument>.IndexKeys;
        await Documents.Indexes.CreateManyAsync(
            [
                Index("owner_slot", keys.Ascending(LockFields.OwnerKey).Ascending(LockFields.Slot), Filter.Exists(LockFields.Slot), isUnique: true),
                Index("owner", keys.Ascending(LockFields.OwnerKey).Ascending(LockFields.Id), Filter.Exists(LockFields.OwnerKey)),
                Index("sharer", keys.Ascending($"{LockFields.Shares}.{ShareFields.NameKey}").Ascending(LockFields.Id), Filter.Exists(LockFields.Shares)),
                Index("heard", keys.Ascending(LockFields.LastSeen), Filter.Eq(LockFields.State, nameof(LockState.Available))),
                Index("waiting", keys.Ascending($"{LockFields.Pairing}.{PairingFields.DeviceId}"), Filter.Exists(LockFields.Pairing)),
                Index("heir", keys.Ascending($"{LockFields.Heir}.{ShareFields.NameKey}"), Filter.Exists(LockFields.Heir)),
                Index("tidy", keys.Ascending(LockFields.TidyAt), Filter.Exists(LockFields.TidyAt)),
                OutboxEntry.Index(),
            ],
            ct);
    }

    public string NewTenure() => Ids.NewUlid(time.GetUtcNow());

    /// <summary>The lock, without its outbox; null when there is none.</summary>
    public Task<BsonDocument?> FindLockAsync(string deviceId, CancellationToken ct) => FindAsync(Filter.Eq(LockFields.Id, deviceId) & MongoAccess.IsThere, ct);

    /// <summary>Whatever stands under the device id.</summary>
    public Task<BsonDocument?> FindAnyAsync(string deviceId, CancellationToken ct) => FindAsync(Filter.Eq(LockFields.Id, deviceId), ct);

    /// <summary>The document as it is after the update; null when the filter found none, or a unique index refused it.</summary>
    public Task<BsonDocument?> TryUpdateAsync(FilterDefinition<BsonDocument> guard, UpdateDefinition<BsonDocument> update, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                try
                {
                    return (BsonDocument?)await Documents.FindOneAndUpdateAsync(
                        guard,
                        update.Inc(LockFields.Rev, 1L),
                        new FindOneAndUpdateOptions<BsonDocument> { ReturnDocument = ReturnDocument.After, Projection = WithoutOutbox },
                        token);
                }
                catch (Exception e) when (MongoErrors.IsDuplicateKey(e))
                {
                    return (BsonDocument?)null;
                }
            },
            ct);

    /// <summary>The document itself; null when its id or its slot is taken, or others want one of them just now.</summary>
    public Task<BsonDocument?> TryInsertAsync(BsonDocument document, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                try
                {
                    await Documents.InsertOneAsync(document, null, token);
                    return document;
                }
                catch (Exception e) when (MongoErrors.IsLostInsert(e))
                {
                    return (BsonDocument?)null;
                }
            },
            ct);

    public Task<List<BsonDocument>> ListAsync(FilterDefinition<BsonDocument> filter, string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            token => Documents.Find(filter & Filter.Gt(LockFields.Id, afterDeviceId ?? "") & MongoAccess.IsThere)
                .Project(WithoutOutbox)
                .Sort(Builders<BsonDocument>.Sort.Ascending(LockFields.Id))
                .Limit(limit)
                .ToListAsync(token),
            ct);

    /// <summary>
    /// For the account's deletion. Asked after the account was marked: whoever gets a lock for an account reserves it first and looks at the mark
    /// then, so that of the two at least one sees the other. Reservations are taken away, which makes those who hold them give up.
    /// </summary>
    public Task<bool> OwnsAnyAsync(string nameKey, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var update = Builders<BsonDocument>.Update;
            await Documents.UpdateManyAsync(
                Filter.Eq(LockFields.OwnerKey, nameKey) & Filter.Eq(LockFields.Deleted, true),
                EndReservation(time.GetUtcNow()),
                null,
                token);
            await Documents.UpdateManyAsync(Filter.Eq($"{LockFields.Heir}.{ShareFields.NameKey}", nameKey), update.Unset(LockFields.Heir), null, token);
            return await Documents.Find(Filter.Eq(LockFields.OwnerKey, nameKey) & MongoAccess.IsThere).Limit(1).AnyAsync(token);
        },
        ct);

    /// <summary>For the account's deletion: nothing is shared with it any more.</summary>
    public Task EndSharesOfAsync(string nameKey, CancellationToken ct) => database.ReadAsync(
        token => Documents.UpdateManyAsync(
            Filter.Eq($"{LockFields.Shares}.{ShareFields.NameKey}", nameKey),
            Builders<BsonDocument>.Update
                .PullFilter<BsonDocument>(LockFields.Shares, Filter.Eq(ShareFields.NameKey, nameKey))
                .Inc(LockFields.Rev, 1L),
            null,
            token),
        ct);

    /// <summary>The device id is free again, and so is its slot.</summary>
    public static UpdateDefinition<BsonDocument> EndReservation(DateTimeOffset now) => Builders<BsonDocument>.Update
        .Unset(LockFields.OwnerKey)
        .Unset(LockFields.Slot)
        .Unset(LockFields.Tenure)
        .Set(LockFields.TidyAt, now.ToUnixTimeMilliseconds());

    /// <summary>Finishes what a killed process left: reservations that were never used, and locks that were removed by half.</summary>
    public async Task FinishAsync(CancellationToken ct)
    {
        var left = await database.ReadAsync(
            token => Documents.Find(Filter.Lte(LockFields.TidyAt, time.GetUtcNow().ToUnixTimeMilliseconds()))
                .Project(Builders<BsonDocument>.Projection.Include(LockFields.Id))
                .Limit(MostTidied)
                .ToListAsync(token),
            ct);
        foreach (var document in left)
        {
            await TidyAsync(document[LockFields.Id].AsString, ct);
        }
    }

    /// <summary>Whoever is not served just now leaves it to <see cref="FinishAsync"/>: what was asked for is done already.</summary>
    public async Task TryTidyAsync(string deviceId)
    {
        try
        {
            await TidyAsync(deviceId, CancellationToken.None);
        }
        catch (StoreUnavailableException e)
        {
            LogLeft(deviceId, e.Message);
        }
    }

    /// <summary>Takes away what is left of a lock that was removed, once its log entries stand in the chain.</summary>
    public async Task TidyAsync(string deviceId, CancellationToken ct)
    {
        if (await FindAnyAsync(deviceId, ct) is not { } found || !found.TryGetValue(LockFields.TidyAt, out var tidyAt))
        {
            return;
        }

        var isThis = Filter.Eq(LockFields.Id, deviceId);
        if (found.TryGetValue(LockFields.Ended, out var ended))
        {
            if (!await DeleteCommandsAsync(deviceId, ended.AsBsonArray, ct))
            {
                return;
            }

            await UpdateAsync(isThis & Filter.Eq(LockFields.Ended, ended), Builders<BsonDocument>.Update.Unset(LockFields.Ended), ct);
        }

        var isSame = isThis & Filter.Eq(LockFields.TidyAt, tidyAt);
        var isHidden = found.Contains(LockFields.Deleted);
        if (isHidden && found.Contains(LockFields.Slot))
        {
            await UpdateAsync(isSame & Filter.Eq(LockFields.Deleted, true), EndReservation(time.GetUtcNow()), ct);
        }
        else if (isHidden && !found.Contains(LockFields.Pairing))
        {
            await database.ReadAsync(
                token => Documents.DeleteOneAsync(
                    isSame & Filter.Eq(LockFields.Deleted, true) & HasNot(LockFields.Slot) & HasNot(LockFields.Pairing) & HasNot(LockFields.Ended)
                        & HasNot($"{OutboxEntry.Field}.0"),
                    token),
                ct);
        }
        else
        {
            await UpdateAsync(isSame & HasNot(LockFields.Ended), Builders<BsonDocument>.Update.Unset(LockFields.TidyAt), ct);
        }
    }

    /// <summary>Deletes up to <paramref name="limit"/> commands of a lock, the oldest first: ids begin with the time.</summary>
    public Task<int> DeleteCommandsAsync(FilterDefinition<BsonDocument> which, int limit, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var isDrained = which & HasNot($"{OutboxEntry.Field}.0");
            var found = await _commands.Find(isDrained)
                .Project(Builders<BsonDocument>.Projection.Include("_id"))
                .Sort(Builders<BsonDocument>.Sort.Ascending("_id"))
                .Limit(limit)
                .ToListAsync(token);
            if (found.Count > 0)
            {
                await _commands.DeleteManyAsync(isDrained & Filter.In("_id", found.Select(c => c["_id"])), token);
            }

            return found.Count;
        },
        ct);

    [LoggerMessage(2130, LogLevel.Information, "What is left of {DeviceId} is tidied up later: {Reason}")]
    private partial void LogLeft(string deviceId, string reason);

    private static FilterDefinition<BsonDocument> HasNot(string field) => Filter.Exists(field, false);

    private static CreateIndexModel<BsonDocument> Index(
        string name,
        IndexKeysDefinition<BsonDocument> keys,
        FilterDefinition<BsonDocument> those,
        bool isUnique = false) =>
        new(keys, new CreateIndexOptions<BsonDocument> { Name = name, Unique = isUnique, PartialFilterExpression = those });

    /// <returns>False when some are left, since their log entries are still in them; they are drained later.</returns>
    private async Task<bool> DeleteCommandsAsync(string deviceId, BsonArray tenures, CancellationToken ct)
    {
        var isOfIt = Filter.Eq("device_id", deviceId) & Filter.In("tenure", tenures);
        while (await DeleteCommandsAsync(isOfIt, MostAtOnce, ct) == MostAtOnce)
        {
            // In small parts: others get their turn between two of them.
        }

        return !await database.ReadAsync(token => _commands.Find(isOfIt).Limit(1).AnyAsync(token), ct);
    }

    private Task<UpdateResult> UpdateAsync(FilterDefinition<BsonDocument> filter, UpdateDefinition<BsonDocument> update, CancellationToken ct) =>
        database.ReadAsync(token => Documents.UpdateOneAsync(filter, update, null, token), ct);

    private Task<BsonDocument?> FindAsync(FilterDefinition<BsonDocument> filter, CancellationToken ct) =>
        database.ReadAsync(async token => (BsonDocument?)await Documents.Find(filter).Project(WithoutOutbox).FirstOrDefaultAsync(token), ct);
}
