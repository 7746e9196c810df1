using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteLockStore(SqliteDatabase database) : ILockStore
{
    private const string Select =
        $"SELECT {SqliteLockRow.Columns}, {SqliteAccess.Word} FROM locks {SqliteAccess.JoinShare} WHERE locks.device_id = ?1 AND {SqliteAccess.MaySee}";

    /// <summary>Both halves come in the order of an index and are merged: the cost of a page follows its length.</summary>
    private const string SelectPage = $"""
        SELECT {SqliteLockRow.Columns}, 'Owner' FROM locks WHERE owner = ?2 AND device_id > ?1
        UNION ALL
        SELECT {SqliteLockRow.Columns}, role FROM shares JOIN locks ON locks.device_id = shares.device_id
        WHERE shares.name_key = ?3 AND shares.device_id > ?1 AND {SqliteAccess.HoldsNow}
        ORDER BY 1 LIMIT ?5
        """;

    private const string SelectChanges = """
        SELECT time, result FROM logs WHERE device_id = ?1 AND action = 'lock.state'
        AND id >= (SELECT log_from FROM locks WHERE device_id = ?1) ORDER BY id DESC LIMIT ?2
        """;

    private const string Rename = "UPDATE locks SET name = ?2 WHERE device_id = ?1";

    private const string ReplaceKey = "UPDATE device_keys SET protected_key = ?2 WHERE device_id = ?1";

    private const string EndUnsigned = "UPDATE locks SET unsigned = 0 WHERE device_id = ?1 AND unsigned = 1";

    // Ids begin with the time: along commands_device, the oldest come first.
    private const string ForgetCommands = """
        DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE device_id = ?1 AND state <> 'Sent' AND issued_at < ?2 ORDER BY id LIMIT ?3)
        """;

    private static readonly string[] Remove =
    [
        "DELETE FROM commands WHERE device_id = ?1",
        "DELETE FROM shares WHERE device_id = ?1",
        "DELETE FROM device_keys WHERE device_id = ?1",
        "DELETE FROM locks WHERE device_id = ?1",
    ];

    public Task<RegisterLockOutcome> RegisterAsync(NewLock newLock, int maxPerOwner, NewAuditEntry entry, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                if (!session.HasRoom(newLock.Owner, maxPerOwner))
                {
                    return RegisterLockOutcome.TooManyLocks;
                }

                return SqlitePairingStore.IsWaiting(session, newLock.DeviceId, newLock.CreatedAt) || !session.TryInsert(newLock, entry)
                    ? RegisterLockOutcome.DeviceIdTaken
                    : RegisterLockOutcome.Registered;
            },
            ct);

    public Task<VisibleLock?> FindAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(session => Find(session, deviceId, username, now), ct).AsTask();

    public Task<Page<VisibleLock>> ListAsync(string username, DateTimeOffset now, string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(SelectPage);
                query.Bind(1, afterDeviceId ?? "").BindViewer(username, now).Bind(5, limit + 1L);
                var found = new List<VisibleLock>();
                while (query.Step())
                {
                    found.Add(ReadVisible(query));
                }

                return LockCursor.Instance.Page(found, limit, static item => item.Lock.DeviceId);
            },
            ct).AsTask();

    public Task<LockHistory?> FindHistoryAsync(string deviceId, string username, DateTimeOffset now, DateTimeOffset since, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session => Find(session, deviceId, username, now) is { } visible
                ? new LockHistory(visible, ReadChanges(session, deviceId, since, limit))
                : null,
            ct).AsTask();

    public Task<ChangeLockOutcome> RenameAsync(LockChange change, string name, CancellationToken ct) =>
        ChangeAsync(
            change,
            AuditActions.LockRenamed,
            session =>
            {
                using var rename = session.Use(Rename);
                rename.Bind(1, change.DeviceId).Bind(2, name).Run();
                Append(session, change, AuditActions.LockRenamed, AuditResults.Renamed);
            },
            ct);

    public Task<int> ForgetCommandsAsync(LockChange change, DateTimeOffset issuedBefore, int limit, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                if (session.AccessTo(change.DeviceId, change.Actor, change.Now) is not LockAccess.Owner)
                {
                    return 0;
                }

                using var forget = session.Use(ForgetCommands);
                return forget.Bind(1, change.DeviceId).Bind(2, issuedBefore).Bind(3, limit).Run();
            },
            ct);

    public Task<ChangeLockOutcome> RemoveAsync(LockChange change, CancellationToken ct) =>
        ChangeAsync(
            change,
            AuditActions.LockRemoved,
            session =>
            {
                foreach (var sql in Remove)
                {
                    using var delete = session.Use(sql);
                    delete.Bind(1, change.DeviceId).Run();
                }

                Append(session, change, AuditActions.LockRemoved, AuditResults.Removed);
            },
            ct);

    public async Task<ReplaceKeyResult> ReplaceKeyAsync(LockChange change, byte[] protectedKey, bool endUnsigned, CancellationToken ct)
    {
        Lock? changed = null;
        var outcome = await ChangeAsync(
            change,
            AuditActions.KeyRotated,
            session =>
            {
                using var replace = session.Use(ReplaceKey);
                replace.Bind(1, change.DeviceId).Bind(2, protectedKey).Run();
                using var end = session.Use(EndUnsigned);
                var ended = endUnsigned && end.Bind(1, change.DeviceId).Run() > 0;
                Append(session, change, AuditActions.KeyRotated, ended ? AuditResults.RotatedToSigned : AuditResults.Rotated);
                session.BeginKey(change.DeviceId);
                changed = session.FindLock(change.DeviceId);
            },
            ct);
        return new ReplaceKeyResult(outcome, changed);
    }

    /// <summary>Who may and what is done stand in one transaction: nobody loses the lock in between.</summary>
    private Task<ChangeLockOutcome> ChangeAsync(LockChange change, string action, Action<SqliteSession> work, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                switch (session.AccessTo(change.DeviceId, change.Actor, change.Now))
                {
                    case null:
                        return ChangeLockOutcome.NotFound;
                    case not LockAccess.Owner:
                        session.AppendNotOwner(change, action);
                        return ChangeLockOutcome.NotOwner;
                }

                work(session);
                return ChangeLockOutcome.Changed;
            },
            ct);

    private static void Append(SqliteSession session, LockChange change, string action, string result) =>
        session.Append(new NewAuditEntry(change.Now, change.DeviceId, change.Actor, action, result));

    private static VisibleLock? Find(SqliteSession session, string deviceId, string username, DateTimeOffset now)
    {
        using var query = session.Use(Select);
        return query.Bind(1, deviceId).BindViewer(username, now).Step() ? ReadVisible(query) : null;
    }

    private static VisibleLock ReadVisible(SqliteStatement row) => new(SqliteLockRow.Read(row), row.Enum<LockAccess>(SqliteLockRow.After));

    private static List<StateChange> ReadChanges(SqliteSession session, string deviceId, DateTimeOffset since, int limit)
    {
        using var query = session.Use(SelectChanges);
        query.Bind(1, deviceId).Bind(2, limit);
        var changes = new List<StateChange>();
        while (query.Step())
        {
            changes.Add(new StateChange(query.Time(0), AuditResults.IssueOf(query.Text(1))));
            if (changes[^1].Time < since)
            {
                break;
            }
        }

        return changes;
    }
}
