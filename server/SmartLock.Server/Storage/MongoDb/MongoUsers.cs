using System.Security.Cryptography;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// The accounts, each in one document with its second factor. A deleted one stays as its id and <c>name_hash</c>, which the unique index
/// over living and deleted accounts keeps from being given again; it has no <c>name_key</c>, by which accounts are found.
/// </summary>
/// <remarks>
/// <c>epoch</c> counts what ends all sessions, see <see cref="MongoSessions"/>; <c>stepping_down</c> see <see cref="MongoAdmins"/>;
/// <c>deleted</c> and <c>leaving</c> see <see cref="MongoAccountDeletion"/>.
/// </remarks>
internal sealed class MongoUsers(MongoDatabase database) : IMongoSetup
{
    /// <summary>Without secrets of the second factor.</summary>
    public static readonly ProjectionDefinition<BsonDocument> AsUser = Builders<BsonDocument>.Projection
        .Include("username")
        .Include("email")
        .Include("password_hash")
        .Include("password_version")
        .Include("role")
        .Include("disabled")
        .Include("created_at")
        .Include("epoch")
        .Include("second_factor.confirmed_at");

    private const int IdBytes = 16;

    public static FilterDefinition<BsonDocument> IsAdmin { get; } = Builders<BsonDocument>.Filter.Eq("role", nameof(Role.Admin));

    public IMongoCollection<BsonDocument> Documents { get; } = database.Collection(MongoNames.Users);

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));

    /// <summary>The living account of this name, without case.</summary>
    public static FilterDefinition<BsonDocument> Named(string username) =>
        Builders<BsonDocument>.Filter.Eq("name_key", MongoNames.KeyOf(username));

    /// <summary>The living account of this id.</summary>
    public static FilterDefinition<BsonDocument> Living(BsonValue id) =>
        Builders<BsonDocument>.Filter.Eq("_id", id) & Builders<BsonDocument>.Filter.Exists("name_key");

    public static BsonDocument Write(string id, User user)
    {
        var nameKey = MongoNames.KeyOf(user.Username);
        return new BsonDocument
        {
            { "_id", id },
            { "name_hash", MongoNames.HashOf(nameKey) },
            { "name_key", nameKey },
            { "username", user.Username },
            { "email", user.Email, user.Email is not null },
            { "password_hash", user.PasswordHash },
            { "password_version", 0L },
            { "role", user.Role.ToString() },
            { "disabled", user.Disabled },
            { "created_at", user.CreatedAt.ToUnixTimeMilliseconds() },
            { "epoch", 0L },
        };
    }

    /// <param name="document">At least <see cref="AsUser"/> of a living account.</param>
    public static User Read(BsonDocument document) => new(
        document["username"].AsString,
        document.TryGetValue("email", out var email) ? email.AsString : null,
        document["password_hash"].AsString,
        Enum.Parse<Role>(document["role"].AsString),
        DateTimeOffset.FromUnixTimeMilliseconds(document["created_at"].ToInt64()),
        document["disabled"].AsBoolean)
    {
        PasswordVersion = document["password_version"].ToInt64(),
        HasSecondFactor = document.TryGetValue("second_factor", out var factor) && factor.AsBsonDocument.Contains("confirmed_at"),
    };

    public static string WordFor(Role role) => role switch
    {
        Role.Admin => "admin",
        Role.User => "user",
    };

    /// <summary>By a living account or a deleted one.</summary>
    public Task<bool> IsTakenAsync(string username, CancellationToken ct) =>
        Documents.Find(Builders<BsonDocument>.Filter.Eq("name_hash", MongoNames.HashOf(MongoNames.KeyOf(username)))).Limit(1).AnyAsync(ct);

    public Task<bool> AnyAdminAsync(CancellationToken ct) => Documents.Find(IsAdmin).Limit(1).AnyAsync(ct);

    /// <summary>Null when there is no such account.</summary>
    public Task<BsonDocument?> FindAsync(FilterDefinition<BsonDocument> filter, CancellationToken ct) =>
        Documents.Find(filter).Project(AsUser).FirstOrDefaultAsync(ct)!;

    public Task SetUpAsync(CancellationToken ct)
    {
        var keys = Builders<BsonDocument>.IndexKeys;
        var filter = Builders<BsonDocument>.Filter;
        return Documents.Indexes.CreateManyAsync(
            [
                new(keys.Ascending("name_hash"), new CreateIndexOptions { Name = "name_hash", Unique = true }),
                new(keys.Ascending("name_key"), new CreateIndexOptions { Name = "name_key" }),
                new(keys.Ascending("role"), new CreateIndexOptions<BsonDocument> { Name = "admins", PartialFilterExpression = IsAdmin }),
                new(
                    keys.Ascending("first_admin"),
                    new CreateIndexOptions<BsonDocument> { Name = "first_admin", Unique = true, PartialFilterExpression = filter.Eq("first_admin", true) }),
                new(keys.Ascending("leaving.due_at"), new CreateIndexOptions { Name = "leaving", Sparse = true }),
                OutboxEntry.Index(),
            ],
            ct);
    }
}
