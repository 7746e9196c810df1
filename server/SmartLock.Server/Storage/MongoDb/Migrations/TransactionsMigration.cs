using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb.Migrations;

/// <summary>
/// Number 1: from documents that carried what is left to do (outboxes, reservations, marks, slots, times to tidy up) to those of the transactions.
/// </summary>
internal sealed class TransactionsMigration(MongoDatabase database, AuditChain chain)
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;

    private static readonly (string Collection, string[] Indexes)[] Dropped =
    [
        ("logs", ["key"]),
        ("log_heads", ["open"]),
        ("locks", ["owner_slot", "waiting", "heir", "tidy", "outbox"]),
        ("commands", ["outbox"]),
        ("users", ["first_admin", "outbox"]),
        ("sessions", ["account", "outbox"]),
        ("webhooks", ["account_slot", "tidy", "outbox"]),
    ];

    private readonly IMongoCollection<BsonDocument> _locks = database.Collection("locks");
    private readonly IMongoCollection<BsonDocument> _users = database.Collection("users");
    private readonly IMongoCollection<BsonDocument> _webhooks = database.Collection("webhooks");
    private readonly IMongoCollection<BsonDocument> _deliveries = database.Collection("deliveries");
    private readonly IMongoCollection<BsonDocument> _sessions = database.Collection("sessions");

    public async Task RunAsync(CancellationToken ct)
    {
        await DropIndexesAsync(ct);
        var outboxes = new OutboxMigration(database, chain);
        await outboxes.SettleTailsAsync(ct);
        foreach (var collection in (string[])["locks", "commands", "users", "sessions", "webhooks"])
        {
            await outboxes.DrainAsync(collection, ct);
        }

        await MoveLocksAsync(ct);
        await MoveAccountsAsync(ct);
        await MoveWebhooksAsync(ct);
        await FillIssuesAsync(ct);
    }

    private static UpdateDefinition<BsonDocument> Without(params IEnumerable<string> fields) => Change.Combine(fields.Select(field => Change.Unset(field)));

    private async Task DropIndexesAsync(CancellationToken ct)
    {
        foreach (var (collection, names) in Dropped)
        {
            var indexes = database.Collection(collection).Indexes;
            foreach (var index in await (await indexes.ListAsync(ct)).ToListAsync(ct))
            {
                if (names.Contains(index["name"].AsString))
                {
                    await indexes.DropOneAsync(index["name"].AsString, ct);
                }
            }
        }
    }

    /// <summary>Devices that wait get a collection of their own; what is no lock goes, with the commands of the lock that it was.</summary>
    private async Task MoveLocksAsync(CancellationToken ct)
    {
        var pairings = database.Collection(PairingDocument.Collection);
        foreach (var ended in await _locks.Find(Where.Exists("ended")).ToListAsync(ct))
        {
            await database.Collection("commands").DeleteManyAsync(Where.Eq("device_id", ended["_id"]) & Where.In("tenure", ended["ended"].AsBsonArray), ct);
        }

        foreach (var waiting in await _locks.Find(Where.Eq("deleted", true) & Where.Exists("pairing")).ToListAsync(ct))
        {
            var pairing = waiting["pairing"].AsBsonDocument;
            pairing.Remove("device_id");
            pairing["_id"] = waiting["_id"];
            await pairings.ReplaceOneAsync(Where.Eq("_id", waiting["_id"]), pairing, new ReplaceOptions { IsUpsert = true }, ct);
        }

        await _locks.DeleteManyAsync(Where.Eq("deleted", true), ct);
        await _locks.UpdateManyAsync(
            Where.Empty,
            Without("slot", "rev", "batch", "deleted", "earlier", "pairing", "heir", "ended", "tidy_at", "last_key_from", "outbox_rejected"),
            null,
            ct);
        await database.Collection("commands").UpdateManyAsync(Where.Empty, Without("batch", "outbox_rejected"), null, ct);
    }

    /// <summary>Ends by half are finished: sessions that an account's epoch has ended go, and so does what a deleted account had.</summary>
    private async Task MoveAccountsAsync(CancellationToken ct)
    {
        foreach (var user in await _users.Find(Where.Exists("name_key")).Project(Builders<BsonDocument>.Projection.Include("epoch")).ToListAsync(ct))
        {
            await _sessions.DeleteManyAsync(Where.Eq("account_id", user["_id"]) & Where.Ne("epoch", user.GetValue("epoch", 0L)), ct);
        }

        foreach (var gone in await _users.Find(Where.Exists("leaving.username") & Where.Exists("name_key", false)).ToListAsync(ct))
        {
            var nameKey = MongoNames.KeyOf(gone["leaving"]["username"].AsString);
            await _sessions.DeleteManyAsync(Where.Eq("account_id", gone["_id"]), ct);
            await _locks.UpdateManyAsync(
                Where.Eq("shares.name_key", nameKey), Change.PullFilter<BsonDocument>("shares", Where.Eq("name_key", nameKey)), null, ct);
            await _webhooks.UpdateManyAsync(Where.Eq("name_key", nameKey), Change.Set("deleted", true), null, ct);
        }

        // A mark of a deletion that was not decided is taken off.
        await _users.UpdateManyAsync(Where.Exists("name_key"), Without("deleted", "leaving", "stepping_down", "epoch", "first_admin", "outbox_rejected"), null, ct);
        await database.Raw.DropCollectionAsync("admins", ct);
        await _sessions.DeleteManyAsync(Where.Exists("token", false), ct);
        await _sessions.UpdateManyAsync(Where.Empty, Without("account_id", "epoch", "outbox_rejected"), null, ct);
    }

    private async Task MoveWebhooksAsync(CancellationToken ct)
    {
        foreach (var gone in await _webhooks.Find(Where.Eq("deleted", true)).ToListAsync(ct))
        {
            await _deliveries.DeleteManyAsync(Where.Eq("webhook_id", gone["_id"]), ct);
            await _webhooks.DeleteOneAsync(Where.Eq("_id", gone["_id"]), ct);
        }

        foreach (var webhook in await _webhooks.Find(Where.Exists("incoming.0")).ToListAsync(ct))
        {
            await PlaceAsync(webhook, ct);
        }

        foreach (var inactive in await _webhooks.Find(Where.Exists("tidy_at") & Where.Eq("active", false)).ToListAsync(ct))
        {
            await _deliveries.UpdateManyAsync(
                Where.Eq("webhook_id", inactive["_id"]) & Where.Eq("state", nameof(DeliveryState.Pending)),
                Change.Set("state", nameof(DeliveryState.Dead)).Set("reason", DeliveryReasons.Deactivated).Set("ended_at", inactive["tidy_at"]),
                null,
                ct);
        }

        await _webhooks.UpdateManyAsync(Where.Empty, Without("slot", "incoming", "deleted", "tidy_at", "outbox_rejected"), null, ct);
    }

    /// <summary>Deliveries that have their numbers, but not yet their places in the queue.</summary>
    private async Task PlaceAsync(BsonDocument webhook, CancellationToken ct)
    {
        foreach (var item in webhook["incoming"].AsBsonArray.OfType<BsonDocument>())
        {
            var isThis = Where.Eq("_id", item["_id"]);
            if (item.Contains("is_retry"))
            {
                await _deliveries.UpdateOneAsync(
                    isThis & Where.Eq("state", nameof(DeliveryState.Dead)),
                    Without("reason", "ended_at").Set("state", nameof(DeliveryState.Pending)).Set("attempts", 0).Set("give_up_at", item["give_up_at"]),
                    null,
                    ct);
                continue;
            }

            item["webhook_id"] = webhook["_id"];
            item["state"] = nameof(DeliveryState.Pending);
            item["attempts"] = 0;
            if (!await _deliveries.Find(isThis).AnyAsync(ct))
            {
                await _deliveries.InsertOneAsync(item, null, ct);
            }
        }
    }

    /// <summary>Why a lock became Unavailable stood in the words of the result only.</summary>
    private async Task FillIssuesAsync(CancellationToken ct)
    {
        var words = AuditResults.Unavailable("");
        var issue = new BsonDocument("$substrCP", new BsonArray { "$result", words.Length, new BsonDocument("$strLenCP", "$result") });
        var isWithout = Where.Eq("action", AuditActions.Connectivity) & Where.Regex("result", $"^{words}") & Where.Exists("issue", false);
        await database.Collection(LogDocument.Collection).UpdateManyAsync(
            isWithout,
            new BsonDocumentStagePipelineDefinition<BsonDocument, BsonDocument>([new BsonDocument("$set", new BsonDocument("issue", issue))]),
            null,
            ct);
    }
}
