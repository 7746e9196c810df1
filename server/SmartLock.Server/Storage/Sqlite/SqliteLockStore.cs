using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteLockStore(SqliteDatabase database) : ILockStore
{
    /// <summary>Both halves come in the order of an index and are merged: the cost of a page follows its length.</summary>
    private const string SelectPage = $"""
        SELECT locks.*, 'Owner' AS access FROM locks WHERE owner = @Username AND locks.device_id > @DeviceId
        UNION ALL
        SELECT locks.*, role FROM shares JOIN locks ON locks.device_id = shares.device_id
        WHERE shares.name_key = @NameKey AND shares.device_id > @DeviceId AND {SqliteAccess.HoldsNow}
        ORDER BY device_id LIMIT @Limit
        """;

    private const string SelectChanges = """
        SELECT time, issue FROM logs WHERE device_id = @deviceId AND action = 'lock.state'
        AND id >= (SELECT log_from FROM locks WHERE device_id = @deviceId) ORDER BY id DESC LIMIT @limit
        """;

    private const string Edit = "UPDATE locks SET name = ifnull(@Name, name) WHERE device_id = @DeviceId";

    private const string ReplaceKey = "UPDATE device_keys SET protected_key = @protectedKey WHERE device_id = @DeviceId";

    private const string EndUnsigned = "UPDATE locks SET unsigned = 0 WHERE device_id = @DeviceId";

    // Ids begin with the time: along commands_device, the oldest come first.
    private const string ForgetCommands = """
        DELETE FROM commands WHERE id IN
        (SELECT id FROM commands WHERE device_id = @DeviceId AND state <> 'Sent' AND issued_at < @issuedBefore ORDER BY id LIMIT @limit)
        """;

    /// <summary>What belongs to the lock goes with it: foreign keys see to that.</summary>
    private const string Remove = "DELETE FROM locks WHERE device_id = @DeviceId";

    public Task<RegisterLockOutcome> RegisterAsync(NewLock newLock, int maxPerOwner, NewAuditEntry entry, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var outcome = LockChangeRules.Register(
                    session.HasRoom(newLock.Owner, maxPerOwner), session.IsTaken(newLock.DeviceId, newLock.CreatedAt));
                if (outcome is RegisterLockOutcome.Registered)
                {
                    session.Insert(newLock, entry);
                }

                return outcome;
            },
            ct);

    public Task<VisibleLock?> FindAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(session => Find(session, deviceId, username, now), ct).AsTask();

    public Task<Page<VisibleLock>> ListAsync(string username, DateTimeOffset now, string? afterDeviceId, int limit, CancellationToken ct)
    {
        var viewer = new SqliteAccess.Viewer(afterDeviceId ?? "", username, now);
        return database.ReadAsync(
            session =>
            {
                var found = session.Query<SqliteLock>(
                    SelectPage, new { viewer.Username, viewer.NameKey, viewer.Now, viewer.DeviceId, Limit = limit + 1L });
                return LockCursor.Instance.Page([.. found.Select(VisibleOf)], limit, static item => item.Lock.DeviceId);
            },
            ct).AsTask();
    }

    public Task<LockHistory?> FindHistoryAsync(string deviceId, string username, DateTimeOffset now, DateTimeOffset since, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session => Find(session, deviceId, username, now) is { } visible
                ? new LockHistory(visible, ReadChanges(session, deviceId, since, limit))
                : null,
            ct).AsTask();

    public Task<ChangeLockOutcome> EditAsync(LockChange change, LockEdit edit, CancellationToken ct) =>
        ChangeAsync(
            change,
            found => LockChangeRules.Edit(change, found?.Access),
            session => session.Execute(Edit, new { change.DeviceId, edit.Name }),
            ct);

    public Task<int> ForgetCommandsAsync(LockChange change, DateTimeOffset issuedBefore, int limit, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session => session.AccessTo(change) is LockAccess.Owner
                ? session.Execute(ForgetCommands, new { change.DeviceId, issuedBefore, limit })
                : 0,
            ct);

    public Task<ChangeLockOutcome> RemoveAsync(LockChange change, CancellationToken ct) =>
        ChangeAsync(
            change,
            found => LockChangeRules.Remove(change, found?.Access),
            session => session.Execute(Remove, change),
            ct);

    public async Task<ReplaceKeyResult> ReplaceKeyAsync(LockChange change, byte[] protectedKey, bool endUnsigned, CancellationToken ct)
    {
        Lock? changed = null;
        var outcome = await ChangeAsync(
            change,
            found => LockChangeRules.ReplaceKey(change, found?.Access, found is { Unsigned: true }, endUnsigned),
            session =>
            {
                session.Execute(ReplaceKey, new { change.DeviceId, protectedKey });
                if (endUnsigned)
                {
                    session.Execute(EndUnsigned, change);
                }

                session.BeginKey(change.DeviceId);
                changed = session.FindLock(change.DeviceId);
            },
            ct);
        return new ReplaceKeyResult(outcome, changed);
    }

    /// <summary>Who may and what is done stand in one transaction: nobody loses the lock in between.</summary>
    /// <param name="work">After the entry was appended.</param>
    private Task<ChangeLockOutcome> ChangeAsync(
        LockChange change, Func<SqliteLock?, LockChangeDecision> decide, Action<SqliteSession> work, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var decision = decide(session.FindVisible(change.DeviceId, change.Actor, change.Now));
                session.AppendIfAny(decision.Entry);
                if (decision.Outcome is ChangeLockOutcome.Changed)
                {
                    work(session);
                }

                return decision.Outcome;
            },
            ct);

    private static VisibleLock? Find(SqliteSession session, string deviceId, string username, DateTimeOffset now) =>
        session.FindVisible(deviceId, username, now) is { } found ? VisibleOf(found) : null;

    private static VisibleLock VisibleOf(SqliteLock row) => new(row.ToLock(), row.Access);

    /// <summary>With the last one before <paramref name="since"/>.</summary>
    private static List<StateChange> ReadChanges(SqliteSession session, string deviceId, DateTimeOffset since, int limit)
    {
        var changes = new List<StateChange>();
        foreach (var change in session.Stream<StateChange>(SelectChanges, new { deviceId, limit }))
        {
            changes.Add(change);
            if (change.Time < since)
            {
                break;
            }
        }

        return changes;
    }
}
