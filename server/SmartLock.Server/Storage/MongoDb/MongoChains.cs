using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// The log's chains. A guarded update of a chain's head decides who appends next: it moves the sealed end and carries the new entries in its
/// <c>tail</c>, all in one write, so that the end never lags behind the entries nor they behind it. Then they are copied to <c>logs</c>; the
/// next who appends, or the sweep, makes sure of that before the tail is replaced.
/// </summary>
internal sealed class MongoChains(MongoDatabase database, AuditChain chain, LogIds ids, TimeProvider time) : IMongoIndexes
{
    public const string Logs = "logs";
    public const string Heads = "log_heads";

    private const int MostTries = 60;
    private const int LongestPauseMs = 20;
    private const int SettledAtOnce = 500;

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    private readonly IMongoCollection<BsonDocument> _logs = database.Collection(Logs);
    private readonly IMongoCollection<BsonDocument> _heads = database.Collection(Heads);

    public async Task CreateAsync(CancellationToken ct)
    {
        var keys = Builders<BsonDocument>.IndexKeys;
        await _logs.Indexes.CreateManyAsync(
            [
                new(keys.Ascending("device_id").Ascending("seq"), new CreateIndexOptions { Name = "chain", Unique = true }),
                new(keys.Ascending("key"), new CreateIndexOptions { Name = "key" }),
                new(keys.Ascending("device_id").Descending("id"), new CreateIndexOptions { Name = "device" }),
                new(keys.Ascending("tenure").Descending("id"), new CreateIndexOptions<BsonDocument> { Name = "tenure", PartialFilterExpression = Filter.Exists("tenure") }),
                new(keys.Ascending("actor").Descending("id"), new CreateIndexOptions { Name = "actor" }),
                new(keys.Descending("id"), new CreateIndexOptions { Name = "id" }),
            ],
            ct);
        await _heads.Indexes.CreateOneAsync(
            new CreateIndexModel<BsonDocument>(keys.Ascending(ChainHeadDocument.Open), new CreateIndexOptions { Name = "open", Sparse = true }),
            cancellationToken: ct);
    }

    /// <summary>As its mark is made over, before it has a place.</summary>
    public static ChainedEntry Unlinked(NewAuditEntry entry) => new(
        0,
        entry.DeviceId,
        0,
        entry.Time.ToUnixTimeMilliseconds(),
        entry.Actor,
        entry.Action,
        entry.Result,
        entry.CommandId,
        entry.Target,
        [],
        []);

    /// <summary>Each once, in this order within a chain; all stand in <c>logs</c> when this returns.</summary>
    public Task AppendAsync(IReadOnlyList<OutboxEntry> entries, CancellationToken ct) =>
        database.RunAsync(
            async token =>
            {
                // Two who drain one document at once bring the same entries.
                IReadOnlyList<OutboxEntry> pending = [.. entries.DistinctBy(e => (e.Entry.DeviceId, e.Key))];
                for (var tries = 0; pending.Count > 0; tries++)
                {
                    if (tries == MostTries)
                    {
                        throw new StoreUnavailableException("Too many servers write to the same part of the log.");
                    }

                    if (tries > 0)
                    {
                        // So that two do not meet again; no matter of the server's clock, which may stand still in a test.
                        await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(LongestPauseMs)), TimeProvider.System, token);
                    }

                    pending = await TryAppendAsync(pending, token);
                }
            },
            ct);

    /// <summary>Copies to <c>logs</c> what a killed process left in tails.</summary>
    /// <returns>How many chains were looked at.</returns>
    public Task<int> SettleAsync(CancellationToken ct) =>
        database.RunAsync(
            async token =>
            {
                var open = await _heads.Find(Filter.Eq(ChainHeadDocument.Open, true)).Limit(SettledAtOnce).ToListAsync(token);
                await _logs.InsertMissingAsync([.. open.SelectMany(ChainHeadDocument.TailOf)], token);
                foreach (var head in open)
                {
                    await CloseAsync([head["_id"]], head[ChainHeadDocument.Batch].AsString, token);
                }

                return open.Count;
            },
            ct);

    /// <returns>Those that lost to another server, and have to be tried again.</returns>
    private async Task<IReadOnlyList<OutboxEntry>> TryAppendAsync(IReadOnlyList<OutboxEntry> entries, CancellationToken ct)
    {
        var byChain = entries.GroupBy(l => l.Entry.DeviceId).ToDictionary(g => g.Key, g => g.ToList());
        var ends = await ReadEndsAsync(byChain, ct);
        var moves = new List<ChainMove>(byChain.Count);
        foreach (var (deviceId, ofChain) in byChain)
        {
            var end = ends[deviceId];
            var fresh = ofChain.FindAll(link => !end.Has(link.Key));
            if (fresh.Count > 0)
            {
                moves.Add(Link(end, fresh));
            }
        }

        if (moves.Count == 0)
        {
            return [];
        }

        var won = await MoveHeadsAsync(moves, ct);
        if (won.Count > 0)
        {
            // Copied by whoever appends behind them first.
            await _logs.InsertMissingAsync([.. won.SelectMany(m => m.Documents)], ct);
            await CloseAsync([.. won.Select(m => (BsonValue)m.End.DeviceId)], won[0].Batch, ct);
        }

        return [.. moves.Except(won).SelectMany(m => m.Entries)];
    }

    /// <summary>
    /// Heads first, then what they lead to. An entry that another server appends in between is in neither, but then the head has moved, and the
    /// guarded update of it fails.
    /// </summary>
    private async Task<Dictionary<string, ChainEnd>> ReadEndsAsync(Dictionary<string, List<OutboxEntry>> byChain, CancellationToken ct)
    {
        var heads = (await _heads.Find(Filter.In("_id", byChain.Keys)).ToListAsync(ct)).ToDictionary(h => h["_id"].AsString);
        var tails = heads.Values.SelectMany(ChainHeadDocument.TailOf).ToList();
        var places = tails.Select(t => t["_id"].AsString).ToHashSet();
        foreach (var (deviceId, entries) in byChain)
        {
            var last = heads.TryGetValue(deviceId, out var head) ? head["seq"].ToInt64() : 0;
            places.UnionWith(Enumerable.Range(0, entries.Count + 1).Select(i => LogDocument.IdOf(deviceId, last + i)));
        }

        var keys = byChain.Values.SelectMany(entries => entries).Select(l => l.Key);
        var projection = Builders<BsonDocument>.Projection.Include("device_id").Include("id").Include("key").Include("hash");
        var findPlaces = _logs.Find(Filter.In("_id", places)).Project(projection).ToListAsync(ct);
        var findKeys = _logs.Find(Filter.In("key", keys)).Project(projection).ToListAsync(ct);
        var atPlaces = (await findPlaces).ToDictionary(e => e["_id"].AsString);
        var known = (await findKeys).Select(e => (e["device_id"].AsString, e["key"].AsString)).ToHashSet();

        // Before the tails are replaced.
        await _logs.InsertMissingAsync(tails.FindAll(t => !atPlaces.ContainsKey(t["_id"].AsString)), ct);
        foreach (var entry in tails)
        {
            atPlaces.TryAdd(entry["_id"].AsString, entry);
            known.Add((entry["device_id"].AsString, entry["key"].AsString));
        }

        var ends = byChain.Keys.ToDictionary(id => id, id => ChainEnd.Of(id, heads.GetValueOrDefault(id), byChain[id].Count, atPlaces, known, chain));
        var doubtful = ends.Values.Where(e => e.IsDoubtful).Select(e => e.DeviceId).ToArray();
        foreach (var last in await LastOfAsync(doubtful, ct))
        {
            var deviceId = last["device_id"].AsString;
            ends[deviceId] = ends[deviceId].Behind(last);
        }

        return ends;
    }

    /// <summary>The entry with the greatest sequence of each, where there is one.</summary>
    private async Task<IReadOnlyList<BsonDocument>> LastOfAsync(string[] deviceIds, CancellationToken ct)
    {
        if (deviceIds.Length == 0)
        {
            return [];
        }

        var greatest = await _logs.Aggregate()
            .Match(Filter.In("device_id", deviceIds))
            .Group(new BsonDocument { { "_id", "$device_id" }, { "seq", new BsonDocument("$max", "$seq") } })
            .ToListAsync(ct);
        return greatest.Count == 0
            ? []
            : await _logs.Find(Filter.In("_id", greatest.Select(g => LogDocument.IdOf(g["_id"].AsString, g["seq"].ToInt64())))).ToListAsync(ct);
    }

    private ChainMove Link(ChainEnd end, List<OutboxEntry> entries)
    {
        var (sequence, hash, id) = (end.Sequence, end.Hash, end.LogId);
        var documents = new List<BsonDocument>(entries.Count);
        foreach (var link in entries)
        {
            id = ids.Next(id);
            sequence++;
            var entry = Unlinked(link.Entry) with { Id = id, Sequence = sequence, PreviousHash = hash };
            hash = chain.HashOf(entry);
            documents.Add(LogDocument.ToBson(entry with { Hash = hash }, link.Key, link.Tenure));
        }

        var seal = end.IsSound ? chain.SealOf(end.DeviceId, sequence, hash) : [];
        return new ChainMove(end, entries, documents, new ChainHead(sequence, hash, seal));
    }

    /// <returns>Those whose head nobody else moved first.</returns>
    private async Task<List<ChainMove>> MoveHeadsAsync(List<ChainMove> moves, CancellationToken ct)
    {
        var batch = Ids.NewUlid(time.GetUtcNow());
        moves.ForEach(m => m.Batch = batch);
        var moved = await _heads.WriteAsync(moves.Select(m => m.ToWrite()), ct);
        if (moved == moves.Count)
        {
            return moves;
        }

        // One that is not among these may still be ours, if another server has appended behind it already: then its keys will be found.
        var mine = await _heads.Find(Filter.In("_id", moves.Select(m => m.End.DeviceId)) & Filter.Eq(ChainHeadDocument.Batch, batch))
            .Project(Builders<BsonDocument>.Projection.Include("_id"))
            .ToListAsync(ct);
        var won = mine.Select(h => h["_id"].AsString).ToHashSet();
        return moves.FindAll(m => won.Contains(m.End.DeviceId));
    }

    private async Task CloseAsync(IReadOnlyList<BsonValue> deviceIds, string batch, CancellationToken ct) =>
        await _heads.UpdateManyAsync(
            Filter.In("_id", deviceIds) & Filter.Eq(ChainHeadDocument.Batch, batch),
            Update.Unset(ChainHeadDocument.Tail).Unset(ChainHeadDocument.Open),
            null,
            ct);
}
