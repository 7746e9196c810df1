using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// A log entry that rides in the document it tells of, in its array <see cref="Field"/>, until it stands in its chain. Made by
/// <see cref="MongoLog.PrepareAsync(NewAuditEntry, string?, CancellationToken)"/>.
/// </summary>
/// <param name="Key">Its own for good: however often an entry is drained, it is appended once.</param>
/// <param name="Entry">With names as <see cref="MongoNames"/> stores them.</param>
/// <param name="Tenure">Of the lock when this happened; null for what is no owner's to read.</param>
/// <param name="At">Unix milliseconds by this server's clock when it was made.</param>
/// <param name="Mark">Proof that a server made it: what others put into the array is not taken into the log.</param>
internal sealed record OutboxEntry(string Key, NewAuditEntry Entry, string? Tenure, long At, byte[] Mark)
{
    public const string Field = "outbox";

    /// <summary>What <see cref="MongoOutboxSweep"/> finds left entries by.</summary>
    public const string AtField = $"{Field}.at";

    /// <summary>The part of an update that leaves the entries in the document that it changes.</summary>
    public static UpdateDefinition<BsonDocument> Push(params IEnumerable<OutboxEntry> entries) =>
        Builders<BsonDocument>.Update.PushEach(Field, entries.Select(e => e.ToBson()));

    /// <summary>For collections whose documents have outboxes.</summary>
    public static CreateIndexModel<BsonDocument> Index() => new(
        Builders<BsonDocument>.IndexKeys.Ascending(AtField),
        new CreateIndexOptions { Name = Field, Sparse = true });

    public BsonDocument ToBson() => new()
    {
        { "key", Key },
        { "at", At },
        { "device_id", Entry.DeviceId },
        { "time", Entry.Time.ToUnixTimeMilliseconds() },
        { "actor", Entry.Actor },
        { "action", Entry.Action },
        { "result", Entry.Result },
        { "command_id", Entry.CommandId, Entry.CommandId is not null },
        { "target", Entry.Target, Entry.Target is not null },
        { "tenure", Tenure, Tenure is not null },
        { "mark", Mark },
    };

    public static OutboxEntry FromBson(BsonDocument stored) => new(
        stored["key"].AsString,
        new NewAuditEntry(
            DateTimeOffset.FromUnixTimeMilliseconds(stored["time"].ToInt64()),
            stored["device_id"].AsString,
            stored["actor"].AsString,
            stored["action"].AsString,
            stored["result"].AsString,
            stored.TextOrNull("command_id"),
            stored.TextOrNull("target")),
        stored.TextOrNull("tenure"),
        stored["at"].ToInt64(),
        stored["mark"].AsByteArray);
}
