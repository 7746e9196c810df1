using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// Who may see a lock, inside the query that reads it: ?2 is the user name, ?3 the same in upper case, ?4 the present time.
/// </summary>
internal static class SqliteAccess
{
    /// <summary>The share that holds now, or nothing.</summary>
    public const string JoinShare = $"LEFT JOIN shares ON shares.device_id = locks.device_id AND shares.name_key = ?3 AND {HoldsNow}";

    /// <summary>From its first moment, until before its last.</summary>
    public const string HoldsNow = "(from_at IS NULL OR from_at <= ?4) AND (until_at IS NULL OR until_at > ?4)";

    public const string MaySee = "(owner = ?2 OR shares.role IS NOT NULL)";

    /// <summary>A <see cref="LockAccess"/>.</summary>
    public const string Word = "CASE WHEN owner = ?2 THEN 'Owner' ELSE shares.role END";

    private const string Select = $"SELECT {Word} FROM locks {JoinShare} WHERE locks.device_id = ?1 AND {MaySee}";

    private const string SelectUser = "SELECT username FROM users WHERE name_key = ?1 AND disabled = 0";

    public static SqliteStatement BindViewer(this SqliteStatement query, string username, DateTimeOffset now) =>
        query.Bind(2, username).Bind(3, SqliteNames.KeyOf(username)).Bind(4, now);

    /// <summary>Null for who may not know that the lock exists.</summary>
    public static LockAccess? AccessTo(this SqliteSession session, string deviceId, string username, DateTimeOffset now)
    {
        using var query = session.Use(Select);
        return query.Bind(1, deviceId).BindViewer(username, now).Step() ? query.Enum<LockAccess>(0) : null;
    }

    /// <summary>
    /// Who knows the lock tried to change it: that is the owner's to know. What strangers try, who are told that there is no such lock, changes
    /// nothing and leaves nothing.
    /// </summary>
    public static void AppendNotOwner(this SqliteSession session, LockChange change, string action) =>
        session.Append(new NewAuditEntry(change.Now, change.DeviceId, change.Actor, action, AuditResults.NotOwner));

    /// <summary>The account's name as it was chosen; null when there is none that is enabled.</summary>
    public static string? FindEnabledUser(this SqliteSession session, string username)
    {
        using var query = session.Use(SelectUser);
        return query.Bind(1, SqliteNames.KeyOf(username)).Step() ? query.Text(0) : null;
    }
}
