using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Who may see a lock, inside the query that reads it. Its parameters are those of <see cref="Viewer"/>.</summary>
internal static class SqliteAccess
{
    /// <summary>The share that holds now, or nothing.</summary>
    public const string JoinShare = $"LEFT JOIN shares ON shares.device_id = locks.device_id AND shares.name_key = @NameKey AND {HoldsNow}";

    /// <summary>From its first moment, until before its last.</summary>
    public const string HoldsNow = "(from_at IS NULL OR from_at <= @Now) AND (until_at IS NULL OR until_at > @Now)";

    public const string MaySee = "(owner = @Username OR shares.role IS NOT NULL)";

    /// <summary>A <see cref="LockAccess"/>.</summary>
    public const string Word = "CASE WHEN owner = @Username THEN 'Owner' ELSE shares.role END AS access";

    private const string SelectVisible = $"SELECT locks.*, {Word} FROM locks {JoinShare} WHERE locks.device_id = @DeviceId AND {MaySee}";

    private const string SelectUser = "SELECT username FROM users WHERE name_key = @NameKey AND disabled = 0";

    /// <summary>Null for who may not know that the lock exists.</summary>
    public static SqliteLock? FindVisible(this SqliteSession session, string deviceId, string username, DateTimeOffset now) =>
        session.Find<SqliteLock>(SelectVisible, new Viewer(deviceId, username, now));

    /// <inheritdoc cref="FindVisible"/>
    public static LockAccess? AccessTo(this SqliteSession session, LockChange change) =>
        session.FindVisible(change.DeviceId, change.Actor, change.Now)?.Access;

    /// <summary>The account's name as it was chosen; null when there is none that is enabled.</summary>
    public static string? FindEnabledUser(this SqliteSession session, string username) =>
        session.Find<string>(SelectUser, new { NameKey = SqliteNames.KeyOf(username) });

    /// <param name="Now">A share must hold then.</param>
    public sealed record Viewer(string DeviceId, string Username, DateTimeOffset Now)
    {
        public string NameKey => SqliteNames.KeyOf(Username);
    }
}
