using MongoDB.Bson;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Reads documents of <see cref="MongoLocks"/>.</summary>
internal static class MongoLockRow
{
    public static Lock Read(BsonDocument row) => new()
    {
        DeviceId = row[LockFields.Id].AsString,
        Name = row[LockFields.Name].AsString,
        Owner = row[LockFields.Owner].AsString,
        Status = row.Enum<LockStatus>(LockFields.Status),
        State = row.Enum<LockState>(LockFields.State),
        LastSeen = row.TimeOrNull(LockFields.LastSeen),
        Issue = row.TextOrNull(LockFields.Issue),
        Unsigned = row[LockFields.Unsigned].AsBoolean,
        Firmware = row.TextOrNull(LockFields.Firmware),
        Rssi = row.Int32OrNull(LockFields.Rssi),
        BatteryMv = row.Int32OrNull(LockFields.BatteryMv),
        CreatedAt = row.Time(LockFields.CreatedAt),
        UptimeS = row.Int64OrNull(LockFields.UptimeS),
    };

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
