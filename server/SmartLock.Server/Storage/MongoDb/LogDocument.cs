using System.Globalization;
using MongoDB.Bson;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>An entry as it lies in <c>logs</c>, or in the tail of its chain's head on the way there.</summary>
internal static class LogDocument
{
    /// <summary>The place in the chain: two writers cannot both have it.</summary>
    public static string IdOf(string deviceId, long sequence) => string.Create(CultureInfo.InvariantCulture, $"{deviceId}/{sequence}");

    public static BsonDocument ToBson(ChainedEntry entry, string key, string? tenure) => new()
    {
        { "_id", IdOf(entry.DeviceId, entry.Sequence) },
        { "id", entry.Id },
        { "device_id", entry.DeviceId },
        { "seq", entry.Sequence },
        { "time", entry.Time },
        { "actor", entry.Actor },
        { "action", entry.Action },
        { "result", entry.Result },
        { "command_id", entry.CommandId, entry.CommandId is not null },
        { "target", entry.Target, entry.Target is not null },
        { "previous_hash", entry.PreviousHash },
        { "hash", entry.Hash },
        { "key", key },
        { "tenure", tenure, tenure is not null },
    };

    public static ChainedEntry FromBson(BsonDocument stored) => new(
        stored["id"].ToInt64(),
        stored["device_id"].AsString,
        stored["seq"].ToInt64(),
        stored["time"].ToInt64(),
        stored["actor"].AsString,
        stored["action"].AsString,
        stored["result"].AsString,
        stored.TextOrNull("command_id"),
        stored.TextOrNull("target"),
        stored["previous_hash"].AsByteArray,
        stored["hash"].AsByteArray);
}
