using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What is personal to an account outside of its own document, and goes with it. Done twice it does no harm.</summary>
internal sealed class MongoErasure(MongoDatabase database, MongoSessions sessions, MongoLocks locks, MongoWebhookTidy webhooks)
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;

    private readonly IMongoCollection<CommandDocument> _commands = database.Collection<CommandDocument>(CommandDocument.Collection);

    /// <summary>The idempotency keys go, since they were the account's own words, and the eight digits are not promised to be unique.</summary>
    public async Task ForgetAsync(string accountId, string username, CancellationToken ct)
    {
        var nameKey = MongoNames.KeyOf(username);
        var shown = AuditActors.Deleted(accountId);

        // One that still has a log entry to hand over has nothing personal left.
        await sessions.Documents.DeleteManyAsync(Where.Eq("account_id", accountId) & Where.Exists($"{OutboxEntry.Field}.0", false), ct);
        await locks.EndSharesOfAsync(nameKey, ct);
        await webhooks.DeleteAllOfAsync(nameKey, ct);
        await _commands.UpdateManyAsync(
            Builders<CommandDocument>.Filter.Eq(c => c.RequestedBy, username),
            Builders<CommandDocument>.Update.Set(c => c.RequestedBy, shown).Unset(c => c.IdempotencyKey),
            null,
            ct);

        // Last, since they are made of commands.
        await webhooks.ForgetAskerAsync(username, shown, ct);
    }
}
