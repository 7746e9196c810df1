using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteLockAdminStore(SqliteDatabase database) : ILockAdminStore
{
    private const string SelectPage = $"""
        SELECT {SqliteLockRow.Columns} FROM locks WHERE device_id > ?1 AND (?2 IS NULL OR state = ?2) ORDER BY device_id LIMIT ?3
        """;

    private const string SelectOwnersPage = $"""
        SELECT {SqliteLockRow.Columns} FROM locks WHERE owner = (SELECT username FROM users WHERE name_key = ?4)
        AND device_id > ?1 AND (?2 IS NULL OR state = ?2) ORDER BY device_id LIMIT ?3
        """;

    private const string SetOwner = "UPDATE locks SET owner = ?2 WHERE device_id = ?1";

    private const string EndShares = "DELETE FROM shares WHERE device_id = ?1";

    public Task<Page<Lock>> ListAsync(string? owner, LockState? state, string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(owner is null ? SelectPage : SelectOwnersPage);
                query.Bind(1, afterDeviceId ?? "").Bind(2, state?.ToString()).Bind(3, limit + 1L);
                if (owner is not null)
                {
                    query.Bind(4, SqliteNames.KeyOf(owner));
                }

                var found = new List<Lock>();
                while (query.Step())
                {
                    found.Add(SqliteLockRow.Read(query));
                }

                return LockCursor.Everybodys.Page(found, limit, static item => item.DeviceId);
            },
            ct).AsTask();

    public Task<ReassignResult> ReassignAsync(LockChange change, string owner, int maxPerOwner, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Reassign(session, change, owner, maxPerOwner), ct);

    private static ReassignResult Reassign(SqliteSession session, LockChange change, string owner, int maxPerOwner)
    {
        if (session.FindLock(change.DeviceId) is not { } found)
        {
            return new ReassignResult(ReassignOutcome.LockNotFound);
        }

        if (session.FindEnabledUser(owner) is not { } username)
        {
            return new ReassignResult(ReassignOutcome.UserNotFound);
        }

        if (found.Owner == username)
        {
            return new ReassignResult(ReassignOutcome.AlreadyOwner, found);
        }

        if (!session.HasRoom(username, maxPerOwner))
        {
            return new ReassignResult(ReassignOutcome.TooManyLocks);
        }

        using var set = session.Use(SetOwner);
        set.Bind(1, change.DeviceId).Bind(2, username).Run();
        using var end = session.Use(EndShares);
        end.Bind(1, change.DeviceId).Run();
        var taken = new NewAuditEntry(
            change.Now,
            change.DeviceId,
            change.Actor,
            AuditActions.LockReassigned,
            AuditResults.TakenFrom,
            Target: found.Owner);

        // In this order: the new owner's log begins with the second, and who had the lock before is not told there.
        session.Append(taken);
        session.AppendFirst(taken with { Result = AuditResults.GivenTo, Target = username });
        return new ReassignResult(ReassignOutcome.Reassigned, found with { Owner = username });
    }
}
