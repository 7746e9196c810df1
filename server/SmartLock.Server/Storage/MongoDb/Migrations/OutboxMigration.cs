using System.Security.Cryptography;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb.Migrations;

/// <summary>
/// Before there were transactions, a log entry waited in the array <c>outbox</c> of the document that was changed, and in the <c>tail</c> of its chain's
/// end. Whatever a server left there that was ended amid it is taken into the log.
/// </summary>
internal sealed class OutboxMigration(MongoDatabase database, AuditChain chain)
{
    private const int AtOnce = 500;

    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;

    public async Task SettleTailsAsync(CancellationToken ct)
    {
        var heads = database.Collection(LogHeadDocument.Collection);
        var logs = database.Collection(LogDocument.Collection);
        foreach (var head in await heads.Find(Where.Exists("tail")).ToListAsync(ct))
        {
            foreach (var entry in head["tail"].AsBsonArray.OfType<BsonDocument>())
            {
                await logs.ReplaceOneAsync(Where.Eq("_id", entry["_id"]), entry, new ReplaceOptions { IsUpsert = true }, ct);
            }
        }

        await heads.UpdateManyAsync(Where.Empty, Change.Unset("tail").Unset("open").Unset("batch"), null, ct);
    }

    public async Task DrainAsync(string collection, CancellationToken ct)
    {
        var documents = database.Collection(collection);
        var isFull = Where.Exists("outbox.0");
        while (await documents.Find(isFull).Limit(AtOnce).ToListAsync(ct) is { Count: > 0 } found)
        {
            PendingEntry[] entries = [.. found.SelectMany(d => d["outbox"].AsBsonArray.OfType<BsonDocument>()).OrderBy(e => e.GetValue("at", 0L)).Select(Read).OfType<PendingEntry>()];
            await database.Transactions.RunAsync(
                [],
                async transaction =>
                {
                    await transaction.AppendMissingAsync(entries);
                    await documents.UpdateManyAsync(
                        transaction.Session, Where.In("_id", found.Select(d => d["_id"])), Change.Unset("outbox"), null, transaction.Ct);
                    return true;
                },
                ct);
        }

        await documents.UpdateManyAsync(Where.Exists("outbox"), Change.Unset("outbox"), null, ct);
    }

    /// <summary>Null for what no server of this log made: its mark is wrong.</summary>
    private PendingEntry? Read(BsonDocument stored)
    {
        if (TextOf("key") is not { } key
            || (TextOf("device_id"), TextOf("actor"), TextOf("action"), TextOf("result")) is not ({ } deviceId, { } actor, { } action, { } result)
            || !stored.TryGetValue("time", out var time)
            || !time.IsInt64
            || !stored.TryGetValue("mark", out var mark)
            || !mark.IsBsonBinaryData)
        {
            return null;
        }

        var unlinked = new ChainedEntry(0, deviceId, 0, time.AsInt64, actor, action, result, TextOf("command_id"), TextOf("target"), [], []);
        if (!CryptographicOperations.FixedTimeEquals(chain.MarkOf(key, TextOf("tenure"), unlinked), mark.AsByteArray))
        {
            return null;
        }

        var entry = new NewAuditEntry(
            DateTimeOffset.FromUnixTimeMilliseconds(time.AsInt64), deviceId, actor, action, result, unlinked.CommandId, unlinked.Target);
        return new PendingEntry(entry, TextOf("tenure"), key);

        string? TextOf(string name) => stored.TryGetValue(name, out var value) && value.IsString ? value.AsString : null;
    }
}
