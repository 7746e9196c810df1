using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoAuditStore(MongoDatabase database, MongoNames names) : IAuditStore
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly SortDefinition<BsonDocument> AlongChains = Builders<BsonDocument>.Sort.Ascending("device_id").Ascending("seq");

    private readonly IMongoCollection<BsonDocument> _logs = database.Collection(MongoChains.Logs);
    private readonly IMongoCollection<BsonDocument> _heads = database.Collection(MongoChains.Heads);
    private readonly IMongoCollection<BsonDocument> _locks = database.Collection(LockFields.Collection);

    /// <summary>By the tenures of the owner's locks: what was before them is the business of owners before.</summary>
    public Task<Page<AuditEntry>> ListAsync(string owner, AuditFilter filter, long? beforeId, int limit, CancellationToken ct) =>
        database.RunAsync(
            async token =>
            {
                var owned = Filter.Eq(LockFields.OwnerKey, MongoNames.KeyOf(owner)) & Filter.Eq(LockFields.Owner, owner) & MongoAccess.IsThere;
                if (filter.DeviceId is not null)
                {
                    owned &= Filter.Eq("_id", filter.DeviceId);
                }

                var locks = await _locks.Find(owned).Project(Builders<BsonDocument>.Projection.Include(LockFields.Tenure)).ToListAsync(token);
                var tenures = locks.Select(l => l[LockFields.Tenure].AsString).ToArray();
                var search = await MongoLogSearch.StartAsync(_logs, names, filter, beforeId, limit, token);
                return await search.OfTenuresAsync(tenures, token);
            },
            ct);

    public Task<Page<AuditEntry>> ListAllAsync(AuditFilter filter, long? beforeId, int limit, CancellationToken ct) =>
        database.RunAsync(
            async token =>
            {
                var search = await MongoLogSearch.StartAsync(_logs, names, filter, beforeId, limit, token);
                return await search.OfAllAsync(token);
            },
            ct);

    /// <summary>
    /// Entries first, then heads, which by then may be further on: what a head has beyond the entries read is read after it, or still in its
    /// tail. So each chain is given up to where its head says it ends, as one snapshot would.
    /// </summary>
    public Task<IReadOnlyList<ChainRow>> ReadChainsAsync(string? deviceId, ChainPosition? after, int limit, CancellationToken ct) =>
        database.RunAsync<IReadOnlyList<ChainRow>>(
            async token =>
            {
                var entries = await ReadEntriesAsync(deviceId, after, limit, token);
                var devices = entries.Select(e => e["device_id"].AsString).ToHashSet();
                if ((deviceId ?? after?.DeviceId) is { } begun)
                {
                    // It may have gone on since the page before, or have all of its entries in its tail.
                    devices.Add(begun);
                }

                var heads = (await _heads.Find(Filter.In("_id", devices)).ToListAsync(token)).ToDictionary(h => h["_id"].AsString);
                var isCut = entries.Count == limit ? entries[^1]["device_id"].AsString : null;
                foreach (var head in heads.Values.Where(h => h["_id"].AsString != isCut))
                {
                    var read = entries.Where(e => e["device_id"] == head["_id"]).Select(e => e["seq"].ToInt64());
                    var from = head["_id"].AsString == after?.DeviceId ? after.Value.Sequence : long.MinValue;
                    entries.AddRange(await ReadRestAsync(head, read.Append(from).Max(), limit, token));
                }

                var rows = entries.Select(e => (Entry: LogDocument.FromBson(e), Head: heads.GetValueOrDefault(e["device_id"].AsString)))
                    .OrderBy(r => r.Entry.DeviceId, StringComparer.Ordinal)
                    .ThenBy(r => r.Entry.Sequence)
                    .Take(limit);
                return [.. rows.Select(r => new ChainRow(r.Entry, r.Head is null ? null : ChainHeadDocument.Read(r.Head)))];
            },
            ct);

    public Task<IReadOnlyList<string>> FindVanishedAsync(string? deviceId, string? afterDeviceId, int limit, CancellationToken ct) =>
        database.RunAsync(
            async token =>
            {
                var vanished = new SortedSet<string>(StringComparer.Ordinal);
                var known = Filter.Gt("_id", afterDeviceId ?? "");
                if (deviceId is not null)
                {
                    known &= Filter.Eq("_id", deviceId);
                }

                // A lock whose first entry is still in its outbox, or in the tail of its head, has not lost it.
                await AddVanishedAsync(_heads, known & Filter.Exists($"{ChainHeadDocument.Tail}.0", exists: false), limit, vanished, token);
                await AddVanishedAsync(_locks, known & MongoAccess.IsThere & Filter.Exists($"{OutboxEntry.Field}.0", exists: false), limit, vanished, token);
                return (IReadOnlyList<string>)[.. vanished.Take(limit)];
            },
            ct);

    private async Task<List<BsonDocument>> ReadEntriesAsync(string? deviceId, ChainPosition? after, int limit, CancellationToken ct)
    {
        // Two queries that each go along the index, for one that would have to merge.
        var entries = new List<BsonDocument>();
        if ((deviceId ?? after?.DeviceId) is { } begun)
        {
            var rest = Filter.Eq("device_id", begun) & Filter.Gt("seq", after?.Sequence ?? long.MinValue);
            entries = await _logs.Find(rest).Sort(AlongChains).Limit(limit).ToListAsync(ct);
        }

        if (deviceId is null && entries.Count < limit)
        {
            var others = Filter.Gt("device_id", after?.DeviceId ?? "");
            entries.AddRange(await _logs.Find(others).Sort(AlongChains).Limit(limit - entries.Count).ToListAsync(ct));
        }

        return entries;
    }

    /// <summary>From behind <paramref name="read"/> up to where the head says the chain ends.</summary>
    private async Task<List<BsonDocument>> ReadRestAsync(BsonDocument head, long read, int limit, CancellationToken ct)
    {
        var end = head["seq"].ToInt64();
        if (end <= read)
        {
            return [];
        }

        var rest = await _logs.Find(Filter.Eq("device_id", head["_id"]) & Filter.Gt("seq", read) & Filter.Lte("seq", end))
            .Sort(AlongChains)
            .Limit(limit)
            .ToListAsync(ct);
        var copied = rest.Select(e => e["_id"].AsString).ToHashSet();
        rest.AddRange(ChainHeadDocument.TailOf(head).Where(t => t["seq"].ToInt64() > read && !copied.Contains(t["_id"].AsString)));
        return rest;
    }

    private async Task AddVanishedAsync(
        IMongoCollection<BsonDocument> collection,
        FilterDefinition<BsonDocument> known,
        int limit,
        SortedSet<string> vanished,
        CancellationToken ct)
    {
        var found = 0;
        using var cursor = await collection.Find(known)
            .Sort(Builders<BsonDocument>.Sort.Ascending("_id"))
            .Project(Builders<BsonDocument>.Projection.Include("_id"))
            .ToCursorAsync(ct);
        while (found < limit && await cursor.MoveNextAsync(ct))
        {
            var deviceIds = cursor.Current.Select(d => d["_id"].AsString).ToArray();

            // The first entry tells that there are some. Where it is gone, others may be left: then verification has found that.
            var first = await IdsAsync(Filter.In("_id", deviceIds.Select(id => LogDocument.IdOf(id, 1))), ct);
            var doubtful = deviceIds.Except(first).ToArray();
            var other = doubtful.Length == 0 ? first : await WithEntriesAsync(doubtful, ct);
            foreach (var gone in doubtful.Except(other))
            {
                found++;
                vanished.Add(gone);
            }
        }
    }

    private async Task<HashSet<string>> IdsAsync(FilterDefinition<BsonDocument> filter, CancellationToken ct)
    {
        var entries = await _logs.Find(filter).Project(Builders<BsonDocument>.Projection.Include("device_id")).ToListAsync(ct);
        return [.. entries.Select(e => e["device_id"].AsString)];
    }

    private async Task<HashSet<string>> WithEntriesAsync(string[] deviceIds, CancellationToken ct)
    {
        var groups = await _logs.Aggregate()
            .Match(Filter.In("device_id", deviceIds))
            .Group(new BsonDocument("_id", "$device_id"))
            .ToListAsync(ct);
        return [.. groups.Select(g => g["_id"].AsString)];
    }
}
