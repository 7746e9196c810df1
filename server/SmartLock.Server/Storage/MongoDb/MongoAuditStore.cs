using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoAuditStore(MongoDatabase database) : IAuditStore
{
    private static readonly FilterDefinitionBuilder<LogDocument> Entries = Builders<LogDocument>.Filter;
    private static readonly FilterDefinitionBuilder<LogHeadDocument> Heads = Builders<LogHeadDocument>.Filter;
    private static readonly SortDefinition<LogDocument> AlongChains = Builders<LogDocument>.Sort.Ascending(l => l.DeviceId).Ascending(l => l.Sequence);

    private readonly IMongoCollection<LogDocument> _logs = database.Collection<LogDocument>(LogDocument.Collection);
    private readonly IMongoCollection<LogHeadDocument> _heads = database.Collection<LogHeadDocument>(LogHeadDocument.Collection);

    /// <summary>By the present ownership of each of the owner's locks: what was before is the business of owners before.</summary>
    public Task<Page<AuditEntry>> ListAsync(string owner, AuditFilter filter, long? beforeId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var where = Builders<LockDocument>.Filter;
                var owned = where.Eq(l => l.OwnerKey, MongoNames.KeyOf(owner)) & where.Eq(l => l.Owner, owner);
                if (filter.DeviceId is not null)
                {
                    owned &= where.Eq(l => l.DeviceId, filter.DeviceId);
                }

                var ownershipIds = await database.Collection<LockDocument>(LockDocument.Collection).Find(owned).Project(l => l.OwnershipId).ToListAsync(token);
                var search = await MongoLogSearch.StartAsync(_logs, database.Names, filter, beforeId, limit, token);
                return await search.OfOwnershipsAsync(ownershipIds, token);
            },
            ct);

    public Task<Page<AuditEntry>> ListAllAsync(AuditFilter filter, long? beforeId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var search = await MongoLogSearch.StartAsync(_logs, database.Names, filter, beforeId, limit, token);
                return await search.OfAllAsync(token);
            },
            ct);

    /// <summary>On one snapshot: each chain is given up to where its end is in it.</summary>
    public Task<IReadOnlyList<ChainRow>> ReadChainsAsync(string? deviceId, ChainPosition? after, int limit, CancellationToken ct) =>
        database.TransactAsync<IReadOnlyList<ChainRow>>(
            async transaction =>
            {
                // Two queries that each go along the index, for one that would have to merge.
                var entries = new List<LogDocument>();
                if ((deviceId ?? after?.DeviceId) is { } begun)
                {
                    entries = await FindAsync(Entries.Eq(l => l.DeviceId, begun) & Entries.Gt(l => l.Sequence, after?.Sequence ?? long.MinValue), limit);
                }

                if (deviceId is null && entries.Count < limit)
                {
                    entries.AddRange(await FindAsync(Entries.Gt(l => l.DeviceId, after?.DeviceId ?? ""), limit - entries.Count));
                }

                var heads = await _heads.Find(transaction.Session, Heads.In(h => h.DeviceId, entries.Select(e => e.DeviceId).Distinct()))
                    .ToListAsync(transaction.Ct);
                var ofChain = heads.ToDictionary(h => h.DeviceId, h => h.ToHead());
                return [.. entries.Select(e => new ChainRow(e.ToEntry(), ofChain.GetValueOrDefault(e.DeviceId)))];

                Task<List<LogDocument>> FindAsync(FilterDefinition<LogDocument> which, int most) =>
                    _logs.Find(transaction.Session, which).Sort(AlongChains).Limit(most).ToListAsync(transaction.Ct);
            },
            ct);

    public Task<IReadOnlyList<string>> FindVanishedAsync(string? deviceId, string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<string>>(
            async token =>
            {
                var vanished = new SortedSet<string>(StringComparer.Ordinal);
                await AddVanishedAsync(database.Collection(LogHeadDocument.Collection), deviceId, afterDeviceId, limit, vanished, token);
                await AddVanishedAsync(database.Collection(LockDocument.Collection), deviceId, afterDeviceId, limit, vanished, token);
                await AddVanishedAccountsAsync(deviceId, afterDeviceId, vanished, token);
                return [.. vanished.Take(limit)];
            },
            ct);

    public Task<IReadOnlyList<AccountBinding>> ReadAccountsAsync(string? afterId, int limit, CancellationToken ct) =>
        database.ReadAsync(token => database.Names.ReadAccountsAsync(afterId, limit, token), ct);

    private async Task AddVanishedAccountsAsync(string? deviceId, string? afterDeviceId, SortedSet<string> vanished, CancellationToken ct)
    {
        if ((deviceId ?? AuditSubjects.Accounts) == AuditSubjects.Accounts
            && string.CompareOrdinal(AuditSubjects.Accounts, afterDeviceId ?? "") > 0
            && !await _logs.Find(Entries.Eq(l => l.DeviceId, AuditSubjects.Accounts)).Limit(1).AnyAsync(ct)
            && await database.Collection(MongoNames.Users).Find(Builders<BsonDocument>.Filter.Exists("name_key")).Limit(1).AnyAsync(ct))
        {
            vanished.Add(AuditSubjects.Accounts);
        }
    }

    private async Task AddVanishedAsync(
        IMongoCollection<BsonDocument> collection,
        string? deviceId,
        string? afterDeviceId,
        int limit,
        SortedSet<string> vanished,
        CancellationToken ct)
    {
        var where = Builders<BsonDocument>.Filter;
        var known = where.Gt("_id", afterDeviceId ?? "");
        var found = 0;
        using var cursor = await collection.Find(deviceId is null ? known : known & where.Eq("_id", deviceId))
            .Sort(Builders<BsonDocument>.Sort.Ascending("_id"))
            .Project(Builders<BsonDocument>.Projection.Include("_id"))
            .ToCursorAsync(ct);
        while (found < limit && await cursor.MoveNextAsync(ct))
        {
            var deviceIds = cursor.Current.Select(d => d["_id"].AsString).ToArray();

            // The first entry tells that there are some. Where it is gone, others may be left: then verification has found that.
            var places = deviceIds.Select(id => LogDocument.PlaceOf(id, 1));
            var first = await _logs.Find(Entries.In(l => l.Place, places)).Project(l => l.DeviceId).ToListAsync(ct);
            var doubtful = deviceIds.Except(first).ToArray();
            if (doubtful.Length > 0)
            {
                var others = await _logs.Distinct(l => l.DeviceId, Entries.In(l => l.DeviceId, doubtful), cancellationToken: ct).ToListAsync(ct);
                var gone = doubtful.Except(others).ToList();
                found += gone.Count;
                vanished.UnionWith(gone);
            }
        }
    }
}
