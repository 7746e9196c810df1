using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Sessions, each with its tokens. One counts while its <c>epoch</c> is its account's: whatever ends all sessions of an account raises that in
/// the write that decides it, and deleting the old ones is housekeeping. One that has ended and still has a log entry to hand over has no epoch.
/// </summary>
internal sealed class MongoSessions(MongoDatabase database) : IMongoSetup, IMongoOutbox
{
    /// <summary>When the database may delete it: see <see cref="MongoExpiry"/>.</summary>
    public const string PurgedAt = "purge_at";

    /// <summary>Expired ones are deleted by a job, which tells those who wait for their end; should none run, by the database, and this much later.</summary>
    public static readonly TimeSpan PurgedAfter = TimeSpan.FromDays(7);

    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;

    public IMongoCollection<BsonDocument> Documents { get; } = database.Collection("sessions");

    public string Collection => Documents.CollectionNamespace.CollectionName;

    /// <summary>Those that count.</summary>
    /// <param name="user">At least <c>_id</c> and <c>epoch</c>.</param>
    public static FilterDefinition<BsonDocument> Of(BsonDocument user) => Where.Eq("account_id", user["_id"]) & Where.Eq("epoch", user["epoch"]);

    /// <summary>By its good refresh token, or one that it had.</summary>
    public static FilterDefinition<BsonDocument> ByToken(byte[] hash) => Where.Eq("token", hash) | Where.Eq("used", hash);

    public static BsonDocument Write(NewSession session, BsonDocument user, string nameKey) => new()
    {
        { "_id", session.Id },
        { "account_id", user["_id"] },
        { "name_key", nameKey },
        { "epoch", user["epoch"] },
        { "token", session.TokenHash },
        { "created_at", session.CreatedAt.ToUnixTimeMilliseconds() },
        { "last_used_at", session.CreatedAt.ToUnixTimeMilliseconds() },
        { "expires_at", session.ExpiresAt.ToUnixTimeMilliseconds() },
        { PurgedAt, PurgeAt(session.ExpiresAt) },
        { "user_agent", session.UserAgent, session.UserAgent is not null },
        { "address", session.Address },
    };

    public static Session Read(BsonDocument document) => new(
        document["_id"].AsString,
        DateTimeOffset.FromUnixTimeMilliseconds(document["created_at"].ToInt64()),
        DateTimeOffset.FromUnixTimeMilliseconds(document["last_used_at"].ToInt64()),
        DateTimeOffset.FromUnixTimeMilliseconds(document["expires_at"].ToInt64()),
        document.TryGetValue("user_agent", out var userAgent) ? userAgent.AsString : null,
        document["address"].AsString);

    public static BsonDateTime PurgeAt(DateTimeOffset expiresAt) => new((expiresAt + PurgedAfter).ToUnixTimeMilliseconds());

    /// <summary>Those of before the account's present epoch, which count no more.</summary>
    public Task DeleteOldAsync(BsonDocument user, CancellationToken ct) =>
        Documents.DeleteManyAsync(Where.Eq("account_id", user["_id"]) & Where.Lt("epoch", user["epoch"]), ct);

    public Task SetUpAsync(CancellationToken ct)
    {
        var keys = Builders<BsonDocument>.IndexKeys;
        return Documents.Indexes.CreateManyAsync(
            [
                new(keys.Ascending("account_id"), new CreateIndexOptions { Name = "account" }),
                new(keys.Ascending("token"), new CreateIndexOptions { Name = "token" }),
                new(keys.Ascending("used"), new CreateIndexOptions { Name = "used" }),
                new(keys.Ascending("expires_at"), new CreateIndexOptions { Name = "expiry" }),
                OutboxEntry.Index(),
            ],
            ct);
    }
}
