using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteShareStore(SqliteDatabase database) : IShareStore
{
    private const string SelectAll = """
        SELECT username, shares.role, from_at AS "from", until_at AS until, shares.created_at FROM shares JOIN users USING (name_key)
        WHERE device_id = @deviceId AND (until_at IS NULL OR until_at > @now) ORDER BY name_key
        """;

    private const string DeleteEnded = "DELETE FROM shares WHERE device_id = @DeviceId AND until_at <= @Now";

    private const string Count = "SELECT count(*) FROM shares WHERE device_id = @DeviceId";

    private const string SelectHolder =
        "SELECT username FROM shares JOIN users USING (name_key) WHERE device_id = @DeviceId AND name_key = @nameKey";

    private const string Upsert = """
        INSERT INTO shares (device_id, name_key, role, from_at, until_at, created_at)
        VALUES (@DeviceId, @NameKey, @Role, @From, @Until, @CreatedAt)
        ON CONFLICT (device_id, name_key) DO UPDATE SET
        role = excluded.role, from_at = excluded.from_at, until_at = excluded.until_at, created_at = excluded.created_at
        """;

    private const string Delete = "DELETE FROM shares WHERE device_id = @DeviceId AND name_key = @nameKey";

    public Task<ShareList> ListAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            session => session.FindVisible(deviceId, username, now)?.Access switch
            {
                null => new ShareList(NotOwner: false, null),
                LockAccess.Owner => new ShareList(NotOwner: false, session.Query<Share>(SelectAll, new { deviceId, now })),
                _ => new ShareList(NotOwner: true, null),
            },
            ct).AsTask();

    public Task<GrantResult> GrantAsync(LockChange change, Share share, int maxPerLock, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Grant(session, change, share, maxPerLock), ct);

    public Task<RevokeShareOutcome> RevokeAsync(LockChange change, string username, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Revoke(session, change, username), ct);

    private static GrantResult Grant(SqliteSession session, LockChange change, Share share, int maxPerLock)
    {
        var access = session.AccessTo(change);
        if (access is LockAccess.Owner)
        {
            session.Execute(DeleteEnded, change);
        }

        var (result, entry) = ShareChangeRules.Grant(
            change,
            share,
            access,
            session.FindEnabledUser(share.Username),
            session.Scalar<long>(Count, change),
            FindHolder(session, change, share.Username) is not null,
            maxPerLock);
        session.AppendIfAny(entry);
        if (result.Share is { } granted)
        {
            session.Execute(Upsert, new
            {
                change.DeviceId,
                NameKey = SqliteNames.KeyOf(granted.Username),
                Role = granted.Role.ToString(),
                granted.From,
                granted.Until,
                granted.CreatedAt,
            });
        }

        return result;
    }

    private static RevokeShareOutcome Revoke(SqliteSession session, LockChange change, string username)
    {
        var decision = ShareChangeRules.Revoke(change, username, session.AccessTo(change), FindHolder(session, change, username));
        session.AppendIfAny(decision.Entry);
        if (decision.Outcome is RevokeShareOutcome.Revoked)
        {
            session.Execute(Delete, new { change.DeviceId, nameKey = SqliteNames.KeyOf(username) });
        }

        return decision.Outcome;
    }

    /// <summary>The account's name as it has it; null when the lock has no share for it.</summary>
    private static string? FindHolder(SqliteSession session, LockChange change, string username) =>
        session.Find<string>(SelectHolder, new { change.DeviceId, nameKey = SqliteNames.KeyOf(username) });
}
