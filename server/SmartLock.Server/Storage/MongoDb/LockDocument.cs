using MongoDB.Bson.Serialization.Attributes;
using MongoDB.Driver;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// A lock with its device's key and its shares, in <c>locks</c>; <c>_id</c> is the device id. Its commands lie in <c>commands</c>; a device that waits for
/// its owner is a <see cref="PairingDocument"/>.
/// </summary>
internal sealed record LockDocument : ReportedLock, IMongoDocument<LockDocument>
{
    /// <summary>What <see cref="OwnershipId"/> is called in the database, in all collections that have it.</summary>
    public const string OwnershipElement = "tenure";

    public static string Collection => "locks";

    public static IEnumerable<CreateIndexModel<LockDocument>> Indexes
    {
        get
        {
            var keys = Builders<LockDocument>.IndexKeys;
            var filter = Builders<LockDocument>.Filter;
            yield return new(
                keys.Ascending(l => l.OwnerKey).Ascending(l => l.DeviceId),
                new CreateIndexOptions<LockDocument> { Name = "owner", PartialFilterExpression = filter.Exists(l => l.OwnerKey) });
            yield return new(
                keys.Ascending("shares.name_key").Ascending(l => l.DeviceId),
                new CreateIndexOptions<LockDocument> { Name = "sharer", PartialFilterExpression = filter.Exists(l => l.Shares) });
            yield return new(
                keys.Ascending(l => l.LastSeen),
                new CreateIndexOptions<LockDocument> { Name = "reported", PartialFilterExpression = filter.Eq(l => l.State, LockState.Available) });
        }
    }

    /// <summary><see cref="MongoNames.KeyOf"/> of the owner.</summary>
    public required string OwnerKey { get; init; }

    /// <summary>The device's key, encrypted.</summary>
    public required byte[] Key { get; init; }

    /// <summary>Unix milliseconds; 0 before the first command.</summary>
    public long LastIssuedAt { get; init; }

    /// <summary>Made anew when the lock is registered, claimed or reassigned: an owner reads the log and the commands of it only.</summary>
    [BsonElement(OwnershipElement)]
    public required string OwnershipId { get; init; }

    /// <summary>When the present ownership began: the time of the log entry that tells so.</summary>
    public DateTimeOffset? OwnedSince { get; init; }

    /// <summary>Null when there are none.</summary>
    public IReadOnlyList<ShareDocument>? Shares { get; init; }

    public static LockDocument Of(NewLock registered, string ownershipId, long keyFrom) => new()
    {
        DeviceId = registered.DeviceId,
        Name = registered.Name,
        Owner = registered.Owner,
        OwnerKey = MongoNames.KeyOf(registered.Owner),
        Issue = LockIssues.NoHeartbeat,
        CreatedAt = registered.CreatedAt,
        Unsigned = registered.Unsigned,
        Key = registered.ProtectedKey,
        KeyFrom = keyFrom,
        OwnershipId = ownershipId,
        OwnedSince = registered.CreatedAt,
    };

    public static FilterDefinition<LockDocument> ById(string deviceId) => Builders<LockDocument>.Filter.Eq(l => l.DeviceId, deviceId);

    /// <summary>Null for who may not know that the lock exists.</summary>
    public LockAccess? AccessOf(string username, DateTimeOffset now)
    {
        if (Owner == username)
        {
            return LockAccess.Owner;
        }

        var nameKey = MongoNames.KeyOf(username);
        return HeldShares(now).FirstOrDefault(s => s.NameKey == nameKey)?.Access;
    }

    /// <param name="nameKey">See <see cref="MongoNames.KeyOf"/>.</param>
    public bool IsSeenBy(string nameKey, DateTimeOffset now) => OwnerKey == nameKey || HeldShares(now).Any(s => s.NameKey == nameKey);

    /// <summary>From their first moment, until before their last.</summary>
    public IEnumerable<ShareDocument> HeldShares(DateTimeOffset now) => LastingShares(now).Where(s => s.From is null || s.From <= now);

    /// <summary>Those that hold or will hold.</summary>
    public IEnumerable<ShareDocument> LastingShares(DateTimeOffset now) => (Shares ?? []).Where(s => s.Until is null || s.Until > now);
}

/// <summary>An element of <see cref="LockDocument.Shares"/>.</summary>
internal sealed record ShareDocument
{
    public required string Username { get; init; }

    public required string NameKey { get; init; }

    public required ShareRole Role { get; init; }

    public DateTimeOffset? From { get; init; }

    public DateTimeOffset? Until { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    [BsonIgnore]
    public LockAccess Access => Role is ShareRole.Operator ? LockAccess.Operator : LockAccess.Viewer;

    public static ShareDocument Of(Share share) => new()
    {
        Username = share.Username,
        NameKey = MongoNames.KeyOf(share.Username),
        Role = share.Role,
        From = share.From,
        Until = share.Until,
        CreatedAt = share.CreatedAt,
    };

    public Share ToShare() => new(Username, Role, From, Until, CreatedAt);
}
