using System.Security.Cryptography;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Takes log entries into their chains. An entry of a change is pushed into the outbox of the document that is changed, by the same write, and
/// drained right after; what a killed process leaves between the two is drained later.
/// </summary>
internal sealed partial class MongoLog(MongoDatabase database, MongoNames names, AuditChain chain, TimeProvider time, ILogger<MongoLog> logger)
{
    private const string Rejected = "outbox_rejected";
    private const int MostRejected = 20;

    /// <summary>Gives the entry its key, and names as they are stored.</summary>
    /// <param name="tenure">The lock's, as it was read; null where no lock is concerned.</param>
    public async Task<OutboxEntry> PrepareAsync(NewAuditEntry entry, string? tenure, CancellationToken ct) =>
        (await PrepareAsync([(entry, tenure)], ct))[0];

    /// <inheritdoc cref="PrepareAsync(NewAuditEntry, string?, CancellationToken)"/>
    public async Task<IReadOnlyList<OutboxEntry>> PrepareAsync(IReadOnlyList<(NewAuditEntry Entry, string? Tenure)> entries, CancellationToken ct)
    {
        var stored = await names.ToStoredAsync(entries.SelectMany(e => e.Entry.Target is { } target ? [e.Entry.Actor, target] : new[] { e.Entry.Actor }), null, ct);
        var now = time.GetUtcNow();
        return
        [
            .. entries.Select(e =>
            {
                var entry = e.Entry with { Actor = stored[e.Entry.Actor], Target = e.Entry.Target is { } target ? stored[target] : null };
                var key = Ids.NewUlid(now);
                return new OutboxEntry(key, entry, e.Tenure, now.ToUnixTimeMilliseconds(), chain.MarkOf(key, e.Tenure, Unlinked(entry)));
            }),
        ];
    }

    /// <summary>
    /// Appends entries of what changed no document, such as refusals; they stand in their chains when this returns. Calls that come
    /// while one is at work are done together.
    /// </summary>
    public Task AppendAsync(IReadOnlyList<OutboxEntry> entries, CancellationToken ct) =>
        EnqueueAsync(entries, ct);

    /// <summary>Moves the entries of these documents' outboxes into their chains, in the order they were pushed.</summary>
    public async Task DrainAsync(IMongoCollection<BsonDocument> collection, IReadOnlyList<BsonValue> ids, CancellationToken ct)
    {
        var filter = Builders<BsonDocument>.Filter;
        var documents = await database.ReadAsync(
            token => collection.Find(filter.In("_id", ids) & filter.Exists($"{OutboxEntry.Field}.0"))
                .Project(Builders<BsonDocument>.Projection.Include(OutboxEntry.Field))
                .ToListAsync(token),
            ct);
        var entries = new List<OutboxEntry>(documents.Count);
        foreach (var document in documents)
        {
            foreach (var stored in document[OutboxEntry.Field].AsBsonArray.OfType<BsonDocument>())
            {
                if (Read(stored) is { } entry)
                {
                    entries.Add(entry);
                }
                else
                {
                    await RejectAsync(collection, document["_id"], stored, ct);
                }
            }
        }

        if (entries.Count > 0)
        {
            await MoveAsync(collection, [.. documents.Select(d => d["_id"])], entries, ct);
        }
    }

    /// <summary>Moves the one entry of a document that was inserted with it just now.</summary>
    public Task DrainAsync(IMongoCollection<BsonDocument> collection, BsonValue id, OutboxEntry entry, CancellationToken ct) =>
        MoveAsync(collection, [id], [entry], ct);

    /// <summary>
    /// As <see cref="DrainAsync(IMongoCollection{BsonDocument}, IReadOnlyList{BsonValue}, CancellationToken)"/>; but a store that went away in between is
    /// not the caller's trouble, whose change is made and whose entries are safe in the outboxes: the sweep drains them.
    /// </summary>
    public async Task TryDrainAsync(IMongoCollection<BsonDocument> collection, IReadOnlyList<BsonValue> ids, CancellationToken ct)
    {
        if (ids.Count == 0)
        {
            return;
        }

        try
        {
            await DrainAsync(collection, ids, ct);
        }
        catch (StoreUnavailableException e)
        {
            LogLeft(e.Message);
        }
    }

    private async Task MoveAsync(IMongoCollection<BsonDocument> collection, IReadOnlyList<BsonValue> ids, IReadOnlyList<OutboxEntry> entries, CancellationToken ct)
    {
        await EnqueueAsync(entries, ct);
        try
        {
            await PullAsync(collection, ids, entries, ct);
        }
        catch (StoreUnavailableException e)
        {
            // They stand in the log, which is what the caller was to wait for. The sweep finds that they do, and empties the outboxes.
            LogLeft(e.Message);
        }
    }

    private async Task PullAsync(IMongoCollection<BsonDocument> collection, IReadOnlyList<BsonValue> ids, IReadOnlyList<OutboxEntry> entries, CancellationToken ct)
    {
        var filter = Builders<BsonDocument>.Filter;
        var keys = entries.Select(e => e.Key).ToArray();
        await database.ReadAsync(
            token => collection.UpdateManyAsync(
                filter.In("_id", ids),
                Builders<BsonDocument>.Update.PullFilter<BsonDocument>(OutboxEntry.Field, filter.In("key", keys)),
                null,
                token),
            ct);
    }

    /// <summary>Null for what no server of this log made.</summary>
    private OutboxEntry? Read(BsonDocument stored)
    {
        try
        {
            var entry = OutboxEntry.FromBson(stored);
            var mark = chain.MarkOf(entry.Key, entry.Tenure, Unlinked(entry.Entry));
            return CryptographicOperations.FixedTimeEquals(mark, entry.Mark) ? entry : null;
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidCastException or NotSupportedException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Out of the way of the others, and kept as evidence.</summary>
    private async Task RejectAsync(IMongoCollection<BsonDocument> collection, BsonValue id, BsonDocument stored, CancellationToken ct)
    {
        LogRejected(collection.CollectionNamespace.CollectionName);
        var update = Builders<BsonDocument>.Update;
        await database.ReadAsync(
            token => collection.UpdateOneAsync(
                Builders<BsonDocument>.Filter.Eq("_id", id),
                update.Combine(
                    update.Pull(OutboxEntry.Field, stored),
                    update.PushEach(Rejected, [stored], slice: -MostRejected)),
                null,
                token),
            ct);
    }

    private Task EnqueueAsync(IReadOnlyList<OutboxEntry> entries, CancellationToken ct) => database.TransactAsync(
        async transaction =>
        {
            await transaction.AppendMissingAsync([.. entries.Select(e => new PendingEntry(e.Entry, e.Tenure, e.Key))]);
            return true;
        },
        ct);

    /// <summary>As its mark is made over, before it has a place.</summary>
    private static ChainedEntry Unlinked(NewAuditEntry entry) => new(
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

    [LoggerMessage(2110, LogLevel.Error, "The outbox of a document in {Collection} holds an entry that no server with this audit key made; it was put aside")]
    private partial void LogRejected(string collection);

    [LoggerMessage(2111, LogLevel.Warning, "Log entries wait in their outboxes: {Reason}")]
    private partial void LogLeft(string reason);
}
