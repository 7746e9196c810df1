using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <param name="Key">See <see cref="LogDocument.Key"/>.</param>
internal sealed record PendingEntry(NewAuditEntry Entry, string? OwnershipId, string? Key = null);

/// <summary>
/// Links entries into the log's chains, inside a transaction: a chain's end is read and moved where its entries are inserted, so that two
/// transactions that append to one chain conflict, and one of them runs again.
/// </summary>
internal sealed class MongoChains(MongoDatabase database, AuditChain chain, TimeProvider time)
{
    private static readonly FilterDefinitionBuilder<LogDocument> Logs = Builders<LogDocument>.Filter;

    private readonly LogIds _ids = new(time);
    private readonly IMongoCollection<LogDocument> _logs = database.Collection<LogDocument>(LogDocument.Collection);
    private readonly IMongoCollection<LogHeadDocument> _heads = database.Collection<LogHeadDocument>(LogHeadDocument.Collection);

    /// <summary>While a database is brought up to date whose accounts are not bound yet: see <see cref="AuditChain.SealAsBefore"/>.</summary>
    public bool SealsAsBefore { get; set; }

    /// <param name="searchesEnds">Looks for entries beyond the recorded ends, for when a place turned out to be taken.</param>
    /// <returns>The log ids, in the order of the entries.</returns>
    public async Task<IReadOnlyList<long>> AppendAsync(
        IClientSessionHandle session, IReadOnlyList<PendingEntry> entries, bool searchesEnds, CancellationToken ct)
    {
        if (entries.Count == 0)
        {
            return [];
        }

        var names = entries.SelectMany(e => e.Entry.Target is { } target ? [e.Entry.Actor, target] : new[] { e.Entry.Actor });
        var stored = await database.Names.ToStoredAsync(names, session, ct);
        var ends = await ReadEndsAsync(session, [.. entries.Select(e => e.Entry.DeviceId).Distinct()], searchesEnds, ct);
        var documents = new List<LogDocument>(entries.Count);
        foreach (var pending in entries)
        {
            var end = ends[pending.Entry.DeviceId];
            var entry = ToChained(pending.Entry, stored) with { Id = _ids.Next(end.LogId), Sequence = end.Sequence + 1, PreviousHash = end.Hash };
            entry = entry with { Hash = chain.HashOf(entry) };
            documents.Add(LogDocument.Of(entry, pending.Key, pending.OwnershipId));
            (end.Sequence, end.Hash, end.LogId) = (entry.Sequence, entry.Hash, entry.Id);
        }

        await _logs.InsertManyAsync(session, documents, new InsertManyOptions { IsOrdered = false }, ct);
        await _heads.BulkWriteAsync(session, ends.Values.Select(ToWrite), MongoBulk.InAnyOrder, ct);
        return [.. documents.Select(d => d.LogId)];
    }

    /// <summary>Appends those whose keys their chains do not have yet.</summary>
    public async Task AppendMissingAsync(IClientSessionHandle session, IReadOnlyList<PendingEntry> entries, bool searchesEnds, CancellationToken ct)
    {
        var present = await _logs
            .Find(session, Logs.In(l => l.DeviceId, entries.Select(e => e.Entry.DeviceId).Distinct()) & Logs.In(l => l.Key, entries.Select(e => e.Key)))
            .Project(l => new { l.DeviceId, l.Key })
            .ToListAsync(ct);
        var known = present.Select(l => (l.DeviceId, l.Key)).ToHashSet();
        await AppendAsync(session, [.. entries.Where(e => known.Add((e.Entry.DeviceId, e.Key)))], searchesEnds, ct);
    }

    private static ChainedEntry ToChained(NewAuditEntry entry, IReadOnlyDictionary<string, string> stored) => new(
        0,
        entry.DeviceId,
        0,
        entry.Time.ToUnixTimeMilliseconds(),
        stored[entry.Actor],
        entry.Action,
        entry.Result,
        entry.CommandId,
        entry.Target is null ? null : stored[entry.Target],
        [],
        [],
        entry.Issue);

    private async Task<Dictionary<string, End>> ReadEndsAsync(IClientSessionHandle session, string[] chains, bool searchesEnds, CancellationToken ct)
    {
        var heads = await _heads.Find(session, Builders<LogHeadDocument>.Filter.In(h => h.DeviceId, chains)).ToListAsync(ct);
        var ends = heads.ToDictionary(h => h.DeviceId, h => new End(h.DeviceId, h.Sequence, h.Hash, h.LogId ?? 0)
        {
            IsSound = SealsAsBefore ? chain.IsSealedAsBefore(h.DeviceId, h.ToHead()) : chain.IsSealed(h.DeviceId, h.ToHead()),
        });

        // A chain without an end is new, or somebody removed the record of its end: then its entries are still there.
        var doubtful = chains.Where(id => searchesEnds || heads.Find(h => h.DeviceId == id)?.LogId is null).ToArray();
        foreach (var id in chains)
        {
            ends.TryAdd(id, new End(id, 0, AuditChain.Beginning, 0));
        }

        foreach (var last in await LastOfAsync(session, doubtful, ct))
        {
            var end = ends[last.DeviceId];
            end.LogId = Math.Max(end.LogId, last.LogId);
            if (last.Sequence > end.Sequence)
            {
                (end.Sequence, end.Hash, end.IsSound) = (last.Sequence, last.Hash, false);
            }
        }

        return ends;
    }

    /// <summary>The entry with the greatest sequence of each, where there is one.</summary>
    private async Task<IReadOnlyList<LogDocument>> LastOfAsync(IClientSessionHandle session, string[] chains, CancellationToken ct)
    {
        if (chains.Length == 0)
        {
            return [];
        }

        var greatest = await _logs.Aggregate(session)
            .Match(Logs.In(l => l.DeviceId, chains))
            .Group(new BsonDocument { { "_id", "$device_id" }, { "seq", new BsonDocument("$max", "$seq") } })
            .ToListAsync(ct);
        var places = greatest.Select(g => (Id: g["_id"].AsString, Sequence: g["seq"].ToInt64())).ToList();

        // By their numbers, not by their places: somebody who adds an entry may give it another place.
        return places.Count == 0
            ? []
            : await _logs.Find(session, Logs.Or(places.Select(p => Logs.Eq(l => l.DeviceId, p.Id) & Logs.Eq(l => l.Sequence, p.Sequence)))).ToListAsync(ct);
    }

    private WriteModel<LogHeadDocument> ToWrite(End end) => new UpdateOneModel<LogHeadDocument>(
        Builders<LogHeadDocument>.Filter.Eq(h => h.DeviceId, end.DeviceId),
        Builders<LogHeadDocument>.Update
            .Set(h => h.Sequence, end.Sequence)
            .Set(h => h.Hash, end.Hash)
            .Set(h => h.LogId, end.LogId)
            .Set(h => h.Seal, end.IsSound ? SealOf(end) : []))
    {
        IsUpsert = true,
    };

    private byte[] SealOf(End end) => SealsAsBefore
        ? chain.SealAsBefore(end.DeviceId, end.Sequence, end.Hash)
        : chain.SealOf(end.DeviceId, end.Sequence, end.Hash);

    /// <summary>Where a chain goes on.</summary>
    private sealed class End(string deviceId, long sequence, byte[] hash, long logId)
    {
        public string DeviceId => deviceId;

        public long Sequence { get; set; } = sequence;

        public byte[] Hash { get; set; } = hash;

        public long LogId { get; set; } = logId;

        /// <summary>
        /// False when the end was tampered with. The chain goes on, since a door must open; but its end is never sealed again, so that writing on
        /// does not mend what verification is to find.
        /// </summary>
        public bool IsSound { get; set; } = true;
    }

    /// <summary>
    /// Positions in the whole log, by which it is paged: Unix milliseconds and 12 bits behind them, so that a number of JSON holds it
    /// until the year 2039.
    /// </summary>
    private sealed class LogIds(TimeProvider time)
    {
        private const int PerMillisecond = 4096;

        private readonly System.Threading.Lock _gate = new();
        private long _last;

        /// <summary>Greater than all given before by this server, and than <paramref name="after"/>, that of the entry before in the chain.</summary>
        public long Next(long after)
        {
            // Where in its millisecond it begins is left to chance, so that two servers rarely give the same.
            var now = (time.GetUtcNow().ToUnixTimeMilliseconds() * PerMillisecond) + Random.Shared.Next(PerMillisecond / 4);
            lock (_gate)
            {
                _last = Math.Max(Math.Max(_last, after) + 1, now);
                return _last;
            }
        }
    }
}
