using System.Diagnostics.CodeAnalysis;
using MongoDB.Bson.Serialization.Attributes;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A living account, in <c>users</c>. A deleted one is a <see cref="RetiredUserDocument"/>, which has no <c>name_key</c>.</summary>
internal sealed record UserDocument : IMongoDocument<UserDocument>
{
    public static string Collection => MongoNames.Users;

    public static IEnumerable<CreateIndexModel<UserDocument>> Indexes
    {
        get
        {
            var keys = Builders<UserDocument>.IndexKeys;
            yield return new(keys.Ascending(u => u.NameHash), new CreateIndexOptions { Name = "name_hash", Unique = true });
            yield return new(keys.Ascending(u => u.NameKey), new CreateIndexOptions { Name = "name_key" });
            yield return new(
                keys.Ascending(u => u.Role), new CreateIndexOptions<UserDocument> { Name = "admins", PartialFilterExpression = MongoUsers.IsAdmin });
        }
    }

    [BsonId]
    public required string Id { get; init; }

    /// <summary>See <see cref="MongoNames.HashOf"/>. Unique over living and deleted accounts: a name is given to nobody again.</summary>
    public required string NameHash { get; init; }

    /// <summary>See <see cref="MongoNames.KeyOf"/>. By it other documents refer to the account.</summary>
    public required string NameKey { get; init; }

    /// <summary>See <see cref="AuditChain.BindingOf"/>.</summary>
    public byte[]? Binding { get; init; }

    public required string Username { get; init; }

    public string? Email { get; init; }

    public required string PasswordHash { get; init; }

    public long PasswordVersion { get; init; }

    public Role Role { get; init; }

    public bool Disabled { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Part of the account, so that a sign-in is decided against it in one read, and a deleted account takes it along.</summary>
    public SecondFactorPart? SecondFactor { get; init; }

    /// <summary>See <see cref="KnownNetworks"/>; the last one first.</summary>
    public IReadOnlyList<string>? Networks { get; init; }

    /// <summary>See <see cref="MongoUsers.TakeAsync"/>.</summary>
    public long Rev { get; init; }

    public static UserDocument Of(string id, User user, AuditChain chain)
    {
        var nameKey = MongoNames.KeyOf(user.Username);
        return new UserDocument
        {
            Id = id,
            NameHash = chain.NameHashOf(nameKey),
            NameKey = nameKey,
            Binding = chain.BindingOf(id, nameKey, user.Username),
            Username = user.Username,
            Email = user.Email,
            PasswordHash = user.PasswordHash,
            Role = user.Role,
            Disabled = user.Disabled,
            CreatedAt = user.CreatedAt,
        };
    }

    [return: NotNullIfNotNull(nameof(document))]
    public static User? ToUser(UserDocument? document) => document is null
        ? null
        : new User(document.Username, document.Email, document.PasswordHash, document.Role, document.CreatedAt, document.Disabled)
        {
            PasswordVersion = document.PasswordVersion,
            HasSecondFactor = document.SecondFactor?.ConfirmedAt is not null,
        };

    /// <summary>Without the hash: records print all their members.</summary>
    public override string ToString() => $"Account {Id}";
}

internal sealed record SecondFactorPart
{
    /// <summary>Encrypted.</summary>
    public required byte[] Secret { get; init; }

    /// <summary>Null while it does not count yet.</summary>
    public DateTimeOffset? ConfirmedAt { get; init; }

    /// <summary>No time step up to this one is accepted.</summary>
    public long LastStep { get; init; }

    /// <summary>Hashes of the recovery codes that were not used.</summary>
    public IReadOnlyList<byte[]> Recovery { get; init; } = [];

    public static SecondFactor? ToSecondFactor(SecondFactorPart? part) =>
        part is null ? null : new SecondFactor(part.Secret, part.ConfirmedAt is not null);

    public override string ToString() => "Second factor";
}

/// <summary>What is left of a deleted account: enough to know its name again, and to name it in the log by the beginning of its id.</summary>
internal sealed record RetiredUserDocument : IMongoDocument<RetiredUserDocument>
{
    public static string Collection => MongoNames.Users;

    public static IEnumerable<CreateIndexModel<RetiredUserDocument>> Indexes =>
    [
        new(
            Builders<RetiredUserDocument>.IndexKeys.Ascending(u => u.Leaving!.DueAt),
            new CreateIndexOptions { Name = "leaving", Sparse = true }),
    ];

    [BsonId]
    public required string Id { get; init; }

    public required string NameHash { get; init; }

    /// <summary>See <see cref="AuditChain.RetiredBindingOf"/>.</summary>
    public byte[]? Binding { get; init; }

    public bool Deleted { get; init; } = true;

    public DateTimeOffset RetiredAt { get; init; }

    /// <summary>What has yet to be forgotten of it, see <see cref="MongoAccountDeletion"/>.</summary>
    public LeavingPart? Leaving { get; init; }
}

internal sealed record LeavingPart
{
    public required string Username { get; init; }

    /// <summary>Its webhooks, whose deliveries go.</summary>
    public IReadOnlyList<string> WebhookIds { get; init; } = [];

    /// <summary>When the rest is forgotten for the last time, and the name here with it.</summary>
    public DateTimeOffset DueAt { get; init; }

    public override string ToString() => "Leaving";
}
