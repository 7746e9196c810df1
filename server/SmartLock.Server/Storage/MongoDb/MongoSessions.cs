using MongoDB.Bson.Serialization.Attributes;
using MongoDB.Driver;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A session with its tokens, in <c>sessions</c>. What ends it deletes it.</summary>
internal sealed record SessionDocument : IMongoDocument<SessionDocument>
{
    /// <summary>Expired ones are deleted by a job, which tells those who wait for their end; should none run, by the database, and this much later.</summary>
    public static readonly TimeSpan PurgedAfter = TimeSpan.FromDays(7);

    public static string Collection => "sessions";

    public static IEnumerable<CreateIndexModel<SessionDocument>> Indexes
    {
        get
        {
            var keys = Builders<SessionDocument>.IndexKeys;
            yield return new(keys.Ascending(s => s.NameKey), new CreateIndexOptions { Name = "name_key" });
            yield return new(keys.Ascending(s => s.Token), new CreateIndexOptions { Name = "token" });
            yield return new(keys.Ascending(s => s.Used), new CreateIndexOptions { Name = "used" });
            yield return new(keys.Ascending(s => s.ExpiresAt), new CreateIndexOptions { Name = "expiry" });
        }
    }

    [BsonId]
    public required string Id { get; init; }

    /// <summary>Whose it is, see <see cref="UserDocument.NameKey"/>.</summary>
    public required string NameKey { get; init; }

    /// <summary>SHA-256 of the refresh token that is good now.</summary>
    public required byte[] Token { get; init; }

    /// <summary>Those of the ones before it, as far back as <see cref="UsedTokens.Remembered"/>.</summary>
    public IReadOnlyList<byte[]> Used { get; init; } = [];

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset LastUsedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>When the database may delete it: see <see cref="MongoExpiry"/>. A date of the database's own, which no other member is.</summary>
    public DateTime PurgeAt { get; init; }

    public string? UserAgent { get; init; }

    public required string Address { get; init; }

    public static SessionDocument Of(NewSession session, string nameKey) => new()
    {
        Id = session.Id,
        NameKey = nameKey,
        Token = session.TokenHash,
        CreatedAt = session.CreatedAt,
        LastUsedAt = session.CreatedAt,
        ExpiresAt = session.ExpiresAt,
        PurgeAt = PurgeAtOf(session.ExpiresAt),
        UserAgent = session.UserAgent,
        Address = session.Address,
    };

    public static DateTime PurgeAtOf(DateTimeOffset expiresAt) => (expiresAt + PurgedAfter).UtcDateTime;

    public Session ToSession() => new(Id, CreatedAt, LastUsedAt, ExpiresAt, UserAgent, Address);

    /// <summary>Without the hashes: records print all their members.</summary>
    public override string ToString() => $"Session {Id}";
}

internal sealed class MongoSessions(MongoDatabase database)
{
    private static readonly FilterDefinitionBuilder<SessionDocument> Where = Builders<SessionDocument>.Filter;

    public IMongoCollection<SessionDocument> Documents { get; } = database.Collection<SessionDocument>(SessionDocument.Collection);

    public static FilterDefinition<SessionDocument> Of(string username) => Where.Eq(s => s.NameKey, MongoNames.KeyOf(username));

    /// <summary>By its good refresh token, or one that it had.</summary>
    public static FilterDefinition<SessionDocument> ByToken(byte[] hash) => Where.Eq(s => s.Token, hash) | Where.AnyEq(s => s.Used, hash);

    /// <summary>Ends all sessions of an account that the transaction has taken.</summary>
    public Task DeleteAllOfAsync(MongoTransaction transaction, string username) =>
        Documents.DeleteManyAsync(transaction.Session, Of(username), null, transaction.Ct);
}
