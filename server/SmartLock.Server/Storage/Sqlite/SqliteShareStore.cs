using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteShareStore(SqliteDatabase database) : IShareStore
{
    private const string SelectAll = """
        SELECT username, shares.role, from_at, until_at, shares.created_at FROM shares JOIN users USING (name_key)
        WHERE device_id = ?1 AND (until_at IS NULL OR until_at > ?2) ORDER BY name_key
        """;

    private const string DeleteEnded = "DELETE FROM shares WHERE device_id = ?1 AND until_at <= ?2";

    private const string CountOthers = "SELECT count(*), ifnull(sum(name_key = ?2), 0) FROM shares WHERE device_id = ?1";

    private const string Upsert = """
        INSERT INTO shares (device_id, name_key, role, from_at, until_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (device_id, name_key) DO UPDATE SET
        role = excluded.role, from_at = excluded.from_at, until_at = excluded.until_at, created_at = excluded.created_at
        """;

    private const string Delete = "DELETE FROM shares WHERE device_id = ?1 AND name_key = ?2";

    private const string SelectUsername = "SELECT username FROM users WHERE name_key = ?1";

    public Task<ShareList> ListAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            session => session.AccessTo(deviceId, username, now) switch
            {
                null => new ShareList(NotOwner: false, null),
                LockAccess.Owner => new ShareList(NotOwner: false, ReadAll(session, deviceId, now)),
                _ => new ShareList(NotOwner: true, null),
            },
            ct).AsTask();

    public Task<GrantResult> GrantAsync(LockChange change, Share share, int maxPerLock, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Grant(session, change, share, maxPerLock), ct);

    public Task<RevokeShareOutcome> RevokeAsync(LockChange change, string username, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Revoke(session, change, username), ct);

    private static GrantResult Grant(SqliteSession session, LockChange change, Share share, int maxPerLock)
    {
        switch (session.AccessTo(change.DeviceId, change.Actor, change.Now))
        {
            case null:
                return new GrantResult(GrantShareOutcome.LockNotFound);
            case not LockAccess.Owner:
                session.AppendNotOwner(change, AuditActions.ShareGranted);
                return new GrantResult(GrantShareOutcome.NotOwner);
        }

        if (session.FindEnabledUser(share.Username) is not { } username)
        {
            return new GrantResult(GrantShareOutcome.UserNotFound);
        }

        if (username == change.Actor)
        {
            return new GrantResult(GrantShareOutcome.Oneself);
        }

        var key = SqliteNames.KeyOf(username);
        using var ended = session.Use(DeleteEnded);
        ended.Bind(1, change.DeviceId).Bind(2, change.Now).Run();
        var (count, isThere) = CountAll(session, change.DeviceId, key);
        if (!isThere && count >= maxPerLock)
        {
            return new GrantResult(GrantShareOutcome.TooManyShares);
        }

        Write(session, change.DeviceId, key, share);
        session.Append(new NewAuditEntry(
            change.Now,
            change.DeviceId,
            change.Actor,
            AuditActions.ShareGranted,
            share.Role is ShareRole.Operator ? AuditResults.GrantedOperator : AuditResults.GrantedViewer,
            Target: username));
        return new GrantResult(isThere ? GrantShareOutcome.Replaced : GrantShareOutcome.Granted, share with { Username = username });
    }

    private static RevokeShareOutcome Revoke(SqliteSession session, LockChange change, string username)
    {
        var key = SqliteNames.KeyOf(username);
        var leaves = key == SqliteNames.KeyOf(change.Actor);
        var access = session.AccessTo(change.DeviceId, change.Actor, change.Now);
        if (access is null && !leaves)
        {
            return RevokeShareOutcome.LockNotFound;
        }

        if (access is not LockAccess.Owner && !leaves)
        {
            session.AppendNotOwner(change, AuditActions.ShareRevoked);
            return RevokeShareOutcome.NotOwner;
        }

        using var delete = session.Use(Delete);
        if (delete.Bind(1, change.DeviceId).Bind(2, key).Run() == 0)
        {
            return access is null ? RevokeShareOutcome.LockNotFound : RevokeShareOutcome.ShareNotFound;
        }

        using var name = session.Use(SelectUsername);
        name.Bind(1, key).Step();
        session.Append(new NewAuditEntry(
            change.Now,
            change.DeviceId,
            change.Actor,
            AuditActions.ShareRevoked,
            leaves ? AuditResults.Left : AuditResults.Revoked,
            Target: name.Text(0)));
        return RevokeShareOutcome.Revoked;
    }

    private static (long Count, bool IsThere) CountAll(SqliteSession session, string deviceId, string nameKey)
    {
        using var count = session.Use(CountOthers);
        count.Bind(1, deviceId).Bind(2, nameKey).Step();
        return (count.Int64(0), count.Bool(1));
    }

    private static void Write(SqliteSession session, string deviceId, string nameKey, Share share)
    {
        using var upsert = session.Use(Upsert);
        upsert.Bind(1, deviceId)
            .Bind(2, nameKey)
            .Bind(3, share.Role.ToString())
            .Bind(4, share.From?.ToUnixTimeMilliseconds())
            .Bind(5, share.Until?.ToUnixTimeMilliseconds())
            .Bind(6, share.CreatedAt)
            .Run();
    }

    private static List<Share> ReadAll(SqliteSession session, string deviceId, DateTimeOffset now)
    {
        using var query = session.Use(SelectAll);
        query.Bind(1, deviceId).Bind(2, now);
        var shares = new List<Share>();
        while (query.Step())
        {
            shares.Add(new Share(query.Text(0), query.Enum<ShareRole>(1), query.TimeOrNull(2), query.TimeOrNull(3), query.Time(4)));
        }

        return shares;
    }
}
