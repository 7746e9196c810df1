using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Who may see and do what with a lock, by its document: in the filter of a write, and of a document that was read.</summary>
internal static class MongoAccess
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    public static FilterDefinition<BsonDocument> IsThere { get; } = Filter.Ne(LockFields.Deleted, true);

    /// <summary>The owner, and who has a share as operator that holds now.</summary>
    public static FilterDefinition<BsonDocument> MayMove(string username, DateTimeOffset now)
    {
        var ms = now.ToUnixTimeMilliseconds();
        return Filter.Or(
            Filter.Eq(LockFields.Owner, username),
            Filter.ElemMatch<BsonDocument>(
                LockFields.Shares,
                Filter.Eq("name_key", MongoNames.KeyOf(username))
                    & Filter.Eq("role", nameof(ShareRole.Operator))
                    & (Filter.Eq("from", BsonNull.Value) | Filter.Lte("from", ms))
                    & (Filter.Eq("until", BsonNull.Value) | Filter.Gt("until", ms))));
    }

    /// <summary>Null for who may not know that the lock exists.</summary>
    public static LockAccess? Of(BsonDocument storedLock, string username, DateTimeOffset now)
    {
        if (storedLock[LockFields.Owner].AsString == username)
        {
            return LockAccess.Owner;
        }

        var nameKey = MongoNames.KeyOf(username);
        var share = HeldShares(storedLock, now).FirstOrDefault(s => s["name_key"].AsString == nameKey);
        return share?.Enum<LockAccess>("role");
    }

    /// <param name="nameKey">See <see cref="MongoNames.KeyOf"/>.</param>
    public static bool IsSeenBy(BsonDocument storedLock, string nameKey, DateTimeOffset now) =>
        storedLock[LockFields.OwnerKey].AsString == nameKey || HeldShares(storedLock, now).Any(s => s["name_key"].AsString == nameKey);

    /// <summary>From their first moment, until before their last.</summary>
    public static IEnumerable<BsonDocument> HeldShares(BsonDocument storedLock, DateTimeOffset now)
    {
        var ms = now.ToUnixTimeMilliseconds();
        return storedLock.TryGetValue(LockFields.Shares, out var shares) && shares.IsBsonArray
            ? shares.AsBsonArray.OfType<BsonDocument>().Where(s =>
                (s.Int64OrNull("from") is not { } from || from <= ms) && (s.Int64OrNull("until") is not { } until || until > ms))
            : [];
    }
}
