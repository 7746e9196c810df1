using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>What the stores that write locks share.</summary>
internal static class SqliteLockRow
{
    public const string Columns =
        "locks.device_id, name, owner, status, state, last_seen, issue, unsigned, firmware, rssi, battery_mv, locks.created_at, uptime_s";

    /// <summary>Where a column after <see cref="Columns"/> is.</summary>
    public const int After = 13;

    private const string Select = $"SELECT {Columns} FROM locks WHERE device_id = ?1";

    private const string Count = "SELECT count(*) FROM (SELECT 1 FROM locks WHERE owner = ?1 LIMIT ?2)";

    private const string SelectRetired = "SELECT 1 FROM retired_accounts WHERE name_hash = ?1";

    private const string InsertLock = """
        INSERT INTO locks (device_id, name, owner, status, state, issue, unsigned, created_at)
        VALUES (?1, ?2, ?3, 'Unknown', 'Unavailable', ?4, ?5, ?6) ON CONFLICT (device_id) DO NOTHING
        """;

    private const string InsertKey = "INSERT INTO device_keys (device_id, protected_key) VALUES (?1, ?2)";

    private const string EndPairing = "DELETE FROM pairings WHERE device_id = ?1";

    private const string BeginLog = "UPDATE locks SET log_from = (SELECT max(id) FROM logs) WHERE device_id = ?1";

    private const string BeginKeyAtLastEntry = "UPDATE locks SET key_from = (SELECT max(id) FROM logs) WHERE device_id = ?1";

    public static Lock Read(SqliteStatement row) => new()
    {
        DeviceId = row.Text(0),
        Name = row.Text(1),
        Owner = row.Text(2),
        Status = row.Enum<LockStatus>(3),
        State = row.Enum<LockState>(4),
        LastSeen = row.TimeOrNull(5),
        Issue = row.TextOrNull(6),
        Unsigned = row.Bool(7),
        Firmware = row.TextOrNull(8),
        Rssi = row.Int32OrNull(9),
        BatteryMv = row.Int32OrNull(10),
        CreatedAt = row.Time(11),
        UptimeS = row.IsNull(12) ? null : row.Int64(12),
    };

    /// <summary>Whoever owns it.</summary>
    public static Lock? FindLock(this SqliteSession session, string deviceId)
    {
        using var query = session.Use(Select);
        return query.Bind(1, deviceId).Step() ? Read(query) : null;
    }

    /// <summary>False too for an account that was deleted while its request waited: its lock would be nobody's.</summary>
    public static bool HasRoom(this SqliteSession session, string owner, int maxPerOwner)
    {
        using var retired = session.Use(SelectRetired);
        if (retired.Bind(1, SqliteLogNames.HashOf(SqliteNames.KeyOf(owner))).Step())
        {
            return false;
        }

        using var count = session.Use(Count);
        count.Bind(1, owner).Bind(2, maxPerOwner).Step();
        return count.Int64(0) < maxPerOwner;
    }

    /// <summary>False when a lock has the device id. A pairing of it ends. In the transaction that looked for room, so nobody registers in between.</summary>
    public static bool TryInsert(this SqliteSession session, NewLock newLock, NewAuditEntry entry)
    {
        using var insert = session.Use(InsertLock);
        var written = insert.Bind(1, newLock.DeviceId)
            .Bind(2, newLock.Name)
            .Bind(3, newLock.Owner)
            .Bind(4, LockIssues.NoHeartbeat)
            .Bind(5, newLock.Unsigned)
            .Bind(6, newLock.CreatedAt)
            .Run();
        if (written == 0)
        {
            return false;
        }

        using var insertKey = session.Use(InsertKey);
        insertKey.Bind(1, newLock.DeviceId).Bind(2, newLock.ProtectedKey).Run();
        using var endPairing = session.Use(EndPairing);
        endPairing.Bind(1, newLock.DeviceId).Run();
        session.AppendFirst(entry);
        session.BeginKey(newLock.DeviceId);
        return true;
    }

    /// <summary>What the device said under an earlier key counts no more. The entry that was appended last tells of the new one.</summary>
    public static void BeginKey(this SqliteSession session, string deviceId)
    {
        using var begin = session.Use(BeginKeyAtLastEntry);
        begin.Bind(1, deviceId).Run();
    }

    /// <summary>Appends the entry that a lock's log begins with for its present owner.</summary>
    public static void AppendFirst(this SqliteSession session, NewAuditEntry entry)
    {
        session.Append(entry);
        using var begin = session.Use(BeginLog);
        begin.Bind(1, entry.DeviceId).Run();
    }
}
