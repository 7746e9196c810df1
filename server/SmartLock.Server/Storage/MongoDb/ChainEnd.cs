using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The documents of <c>log_heads</c>; <c>_id</c> is the chain's device id.</summary>
internal static class ChainHeadDocument
{
    /// <summary>The entries that moved the head last, until they are known to stand in <c>logs</c>; then absent.</summary>
    public const string Tail = "tail";

    /// <summary>Id of the write that moved it last.</summary>
    public const string Batch = "batch";

    /// <summary>True while there is a tail, absent otherwise: the index for tails that were left.</summary>
    public const string Open = "open";

    public static ChainHead Read(BsonDocument stored) => new(stored["seq"].ToInt64(), stored["hash"].AsByteArray, stored["seal"].AsByteArray);

    public static IEnumerable<BsonDocument> TailOf(BsonDocument stored) =>
        stored.TryGetValue(Tail, out var tail) && tail.IsBsonArray ? tail.AsBsonArray.OfType<BsonDocument>() : [];
}

/// <summary>Where a chain goes on, as it was read.</summary>
/// <param name="Head">As stored; null for a chain without one.</param>
/// <param name="LogId">Of the last entry.</param>
/// <param name="IsSound">
/// False when the end was tampered with. The chain goes on, since a door must open; but its end is never sealed again, so that writing on does
/// not mend what verification is to find.
/// </param>
/// <param name="IsDoubtful">There may be entries beyond the head.</param>
internal sealed record ChainEnd(
    string DeviceId,
    BsonDocument? Head,
    long Sequence,
    byte[] Hash,
    long LogId,
    bool IsSound,
    bool IsDoubtful,
    IReadOnlySet<(string DeviceId, string Key)> Known)
{
    /// <param name="more">How many places behind the head were looked at.</param>
    /// <param name="atPlaces">The entries that were found at the head's place and at those behind it, by their ids.</param>
    public static ChainEnd Of(
        string deviceId,
        BsonDocument? head,
        int more,
        Dictionary<string, BsonDocument> atPlaces,
        IReadOnlySet<(string DeviceId, string Key)> known,
        AuditChain chain)
    {
        if (head is null)
        {
            return new ChainEnd(deviceId, null, 0, AuditChain.Beginning, 0, IsSound: true, IsDoubtful: true, known);
        }

        var end = ChainHeadDocument.Read(head);
        var last = atPlaces.GetValueOrDefault(LogDocument.IdOf(deviceId, end.Sequence));
        var isTakenBehind = Enumerable.Range(1, more).Any(i => atPlaces.ContainsKey(LogDocument.IdOf(deviceId, end.Sequence + i)));
        var isWhole = last is not null && last["hash"].AsByteArray.AsSpan().SequenceEqual(end.Hash) && !isTakenBehind;
        return new ChainEnd(
            deviceId,
            head,
            end.Sequence,
            end.Hash,
            last?["id"].ToInt64() ?? 0,
            isWhole && chain.IsSealed(deviceId, end),
            isTakenBehind,
            known);
    }

    public bool Has(string key) => Known.Contains((DeviceId, key));

    /// <param name="last">The last entry there is: beyond the recorded end, or of a chain whose record of it is gone.</param>
    public ChainEnd Behind(BsonDocument last)
    {
        var sequence = last["seq"].ToInt64();
        return sequence <= Sequence
            ? this
            : this with { Sequence = sequence, Hash = last["hash"].AsByteArray, LogId = last["id"].ToInt64(), IsSound = false };
    }
}

/// <summary>Entries linked behind the end that was read, and the head that makes them its chain's.</summary>
internal sealed record ChainMove(ChainEnd End, IReadOnlyList<OutboxEntry> Entries, IReadOnlyList<BsonDocument> Documents, ChainHead Head)
{
    /// <summary>Id of the bulk write that this is part of.</summary>
    public string Batch { get; set; } = "";

    /// <summary>Has an effect only while the head is as it was read.</summary>
    public WriteModel<BsonDocument> ToWrite()
    {
        var next = new BsonDocument
        {
            { "seq", Head.Sequence },
            { "hash", Head.Hash },
            { "seal", Head.Seal },
            { ChainHeadDocument.Tail, new BsonArray(Documents) },
            { ChainHeadDocument.Open, true },
            { ChainHeadDocument.Batch, Batch },
        };
        if (End.Head is not { } before)
        {
            return new InsertOneModel<BsonDocument>(new BsonDocument("_id", End.DeviceId).AddRange(next));
        }

        var filter = Builders<BsonDocument>.Filter;
        return new UpdateOneModel<BsonDocument>(
            filter.Eq("_id", End.DeviceId) & filter.Eq("seq", before["seq"]) & filter.Eq("hash", before["hash"]) & filter.Eq("seal", before["seal"]),
            new BsonDocument("$set", next));
    }
}
