using System.Globalization;
using MongoDB.Bson.Serialization.Attributes;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>An entry as it lies in <c>logs</c>.</summary>
internal sealed record LogDocument : IMongoDocument<LogDocument>
{
    public static string Collection => "logs";

    public static IEnumerable<CreateIndexModel<LogDocument>> Indexes
    {
        get
        {
            var keys = Builders<LogDocument>.IndexKeys;
            var filter = Builders<LogDocument>.Filter;
            yield return new(keys.Ascending(l => l.DeviceId).Ascending(l => l.Sequence), new CreateIndexOptions { Name = "chain", Unique = true });
            yield return new(keys.Ascending(l => l.DeviceId).Descending(l => l.LogId), new CreateIndexOptions { Name = "device" });
            yield return new(
                keys.Ascending(l => l.OwnershipId).Descending(l => l.LogId),
                new CreateIndexOptions<LogDocument> { Name = LockDocument.OwnershipElement, PartialFilterExpression = filter.Exists(l => l.OwnershipId) });
            yield return new(keys.Ascending(l => l.Actor).Descending(l => l.LogId), new CreateIndexOptions { Name = "actor" });
            yield return new(keys.Descending(l => l.LogId), new CreateIndexOptions { Name = "id" });
            yield return new(
                keys.Ascending(l => l.DeviceId).Ascending(l => l.Key),
                new CreateIndexOptions<LogDocument> { Name = "origin", Unique = true, PartialFilterExpression = filter.Exists(l => l.Key) });
        }
    }

    /// <summary>The place in the chain, see <see cref="PlaceOf"/>: two writers cannot both have it.</summary>
    [BsonId]
    public required string Place { get; init; }

    /// <summary>Position in the whole log.</summary>
    [BsonElement("id")]
    public required long LogId { get; init; }

    public required string DeviceId { get; init; }

    [BsonElement("seq")]
    public required long Sequence { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long Time { get; init; }

    public required string Actor { get; init; }

    public required string Action { get; init; }

    public required string Result { get; init; }

    public string? CommandId { get; init; }

    public string? Target { get; init; }

    public string? Issue { get; init; }

    public required byte[] PreviousHash { get; init; }

    public required byte[] Hash { get; init; }

    /// <summary>Says where an entry comes from that must not be appended twice, such as an imported one; in a chain each stands once.</summary>
    public string? Key { get; init; }

    /// <summary>Of the lock when this happened; null for what is no owner's to read. Not part of what is hashed.</summary>
    [BsonElement(LockDocument.OwnershipElement)]
    public string? OwnershipId { get; init; }

    public static string PlaceOf(string deviceId, long sequence) => string.Create(CultureInfo.InvariantCulture, $"{deviceId}/{sequence}");

    public static LogDocument Of(ChainedEntry entry, string? key, string? ownershipId) => new()
    {
        Place = PlaceOf(entry.DeviceId, entry.Sequence),
        LogId = entry.Id,
        DeviceId = entry.DeviceId,
        Sequence = entry.Sequence,
        Time = entry.Time,
        Actor = entry.Actor,
        Action = entry.Action,
        Result = entry.Result,
        CommandId = entry.CommandId,
        Target = entry.Target,
        Issue = entry.Issue,
        PreviousHash = entry.PreviousHash,
        Hash = entry.Hash,
        Key = key,
        OwnershipId = ownershipId,
    };

    public ChainedEntry ToEntry() => new(LogId, DeviceId, Sequence, Time, Actor, Action, Result, CommandId, Target, PreviousHash, Hash, Issue);
}

/// <summary>Where a chain ends, in <c>log_heads</c>; see <see cref="ChainHead"/>.</summary>
internal sealed record LogHeadDocument : IMongoDocument<LogHeadDocument>
{
    public static string Collection => "log_heads";

    public static IEnumerable<CreateIndexModel<LogHeadDocument>> Indexes => [];

    [BsonId]
    public required string DeviceId { get; init; }

    [BsonElement("seq")]
    public required long Sequence { get; init; }

    public required byte[] Hash { get; init; }

    public required byte[] Seal { get; init; }

    /// <summary>Of the last entry; null in a head that was written before it was kept here.</summary>
    public long? LogId { get; init; }

    public ChainHead ToHead() => new(Sequence, Hash, Seal);
}
