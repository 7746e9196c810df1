using MongoDB.Bson;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Reads documents of <see cref="MongoLocks"/>.</summary>
internal static class MongoLockRow
{
    public static Lock Read(BsonDocument row) => new(
        row[LockFields.Id].AsString,
        row[LockFields.Name].AsString,
        row[LockFields.Owner].AsString,
        row.Enum<LockStatus>(LockFields.Status),
        row.Enum<LockState>(LockFields.State),
        row.TimeOrNull(LockFields.LastSeen),
        row.TextOrNull(LockFields.Issue),
        row[LockFields.Unsigned].AsBoolean,
        row.TextOrNull(LockFields.Firmware),
        row.Int32OrNull(LockFields.Rssi),
        row.Int32OrNull(LockFields.BatteryMv),
        row.Time(LockFields.CreatedAt),
        row.Int64OrNull(LockFields.UptimeS));

    public static Share ReadShare(BsonDocument share) => new(
        share[ShareFields.Username].AsString,
        share.Enum<ShareRole>(ShareFields.Role),
        share.TimeOrNull(ShareFields.From),
        share.TimeOrNull(ShareFields.Until),
        share.Time(ShareFields.CreatedAt));

    public static BsonDocument ToBson(Share share) => new()
    {
        { ShareFields.Username, share.Username },
        { ShareFields.NameKey, MongoNames.KeyOf(share.Username) },
        { ShareFields.Role, share.Role.ToString() },
        { ShareFields.From, share.From?.ToUnixTimeMilliseconds() ?? 0L, share.From is not null },
        { ShareFields.Until, share.Until?.ToUnixTimeMilliseconds() ?? 0L, share.Until is not null },
        { ShareFields.CreatedAt, share.CreatedAt.ToUnixTimeMilliseconds() },
    };

    public static IEnumerable<BsonDocument> SharesOf(BsonDocument row) =>
        row.TryGetValue(LockFields.Shares, out var shares) ? shares.AsBsonArray.OfType<BsonDocument>() : [];

    public static bool HasEnded(BsonDocument share, DateTimeOffset now) => share.TimeOrNull(ShareFields.Until) <= now;
}
