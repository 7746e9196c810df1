using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What is personal to an account outside of its own document, and goes with it. Done twice it does no harm.</summary>
internal sealed class MongoErasure(MongoDatabase database, MongoSessions sessions)
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;

    private readonly IMongoCollection<BsonDocument> _commands = database.Collection("commands");
    private readonly IMongoCollection<BsonDocument> _locks = database.Collection("locks");

    public Task<bool> OwnsLocksAsync(string nameKey, CancellationToken ct) =>
        _locks.Find(Where.Eq("owner_key", nameKey)).Limit(1).AnyAsync(ct);

    /// <summary>The idempotency keys go, since they were the account's own words, and the eight digits are not promised to be unique.</summary>
    public async Task ForgetAsync(string accountId, string username, CancellationToken ct)
    {
        var nameKey = MongoNames.KeyOf(username);

        // One that still has a log entry to hand over has nothing personal left.
        await sessions.Documents.DeleteManyAsync(Where.Eq("account_id", accountId) & Where.Exists($"{OutboxEntry.Field}.0", false), ct);
        await _locks.UpdateManyAsync(
            Where.Eq("shares.name_key", nameKey),
            Change.PullFilter<BsonDocument>("shares", Where.Eq("name_key", nameKey)).Inc("rev", 1L),
            null,
            ct);
        await _commands.UpdateManyAsync(
            Where.Eq("requested_by", username),
            Change.Set("requested_by", AuditActors.Deleted(accountId)).Unset("idempotency_key"),
            null,
            ct);
    }
}
