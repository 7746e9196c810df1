using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteLockStore(SqliteDatabase database) : ILockStore
{
    private const string Columns =
        "device_id, name, owner, status, state, last_seen, issue, unsigned, firmware, rssi, battery_mv, created_at";

    private const string Count = "SELECT count(*) FROM (SELECT 1 FROM locks WHERE owner = ?1 LIMIT ?2)";

    private const string Insert = """
        INSERT INTO locks (device_id, name, owner, status, state, issue, unsigned, created_at)
        VALUES (?1, ?2, ?3, 'Unknown', 'Unavailable', ?4, ?5, ?6) ON CONFLICT (device_id) DO NOTHING
        """;

    private const string InsertKey = "INSERT INTO device_keys (device_id, protected_key) VALUES (?1, ?2)";

    private const string Select = $"SELECT {Columns} FROM locks WHERE device_id = ?1 AND owner = ?2";

    private const string SelectPage =
        $"SELECT {Columns} FROM locks WHERE owner = ?1 AND device_id > ?2 ORDER BY device_id LIMIT ?3";

    public Task<RegisterLockOutcome> RegisterAsync(NewLock newLock, int maxPerOwner, NewAuditEntry entry, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Register(session, newLock, maxPerOwner, entry), ct);

    public Task<Lock?> FindAsync(string deviceId, string owner, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(Select);
                return query.Bind(1, deviceId).Bind(2, owner).Step() ? Read(query) : null;
            },
            ct).AsTask();

    public Task<Page<Lock>> ListAsync(string owner, string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(SelectPage);
                query.Bind(1, owner).Bind(2, afterDeviceId ?? "").Bind(3, limit + 1L);
                var found = new List<Lock>();
                while (query.Step())
                {
                    found.Add(Read(query));
                }

                return LockCursor.Instance.Page(found, limit, static item => item.DeviceId);
            },
            ct).AsTask();

    /// <summary>Count and insert stand in one transaction of the one writer, so nobody registers in between.</summary>
    private static RegisterLockOutcome Register(SqliteSession session, NewLock newLock, int maxPerOwner, NewAuditEntry entry)
    {
        using var count = session.Use(Count);
        count.Bind(1, newLock.Owner).Bind(2, maxPerOwner).Step();
        if (count.Int64(0) >= maxPerOwner)
        {
            return RegisterLockOutcome.TooManyLocks;
        }

        using var insert = session.Use(Insert);
        var written = insert.Bind(1, newLock.DeviceId)
            .Bind(2, newLock.Name)
            .Bind(3, newLock.Owner)
            .Bind(4, LockIssues.NoHeartbeat)
            .Bind(5, newLock.Unsigned)
            .Bind(6, newLock.CreatedAt)
            .Run();
        if (written == 0)
        {
            return RegisterLockOutcome.DeviceIdTaken;
        }

        using var insertKey = session.Use(InsertKey);
        insertKey.Bind(1, newLock.DeviceId).Bind(2, newLock.ProtectedKey).Run();
        session.Append(entry);
        return RegisterLockOutcome.Registered;
    }

    private static Lock Read(SqliteStatement row) => new(
        row.Text(0),
        row.Text(1),
        row.Text(2),
        row.Enum<LockStatus>(3),
        row.Enum<LockState>(4),
        row.TimeOrNull(5),
        row.TextOrNull(6),
        row.Bool(7),
        row.TextOrNull(8),
        row.Int32OrNull(9),
        row.Int32OrNull(10),
        row.Time(11));
}
