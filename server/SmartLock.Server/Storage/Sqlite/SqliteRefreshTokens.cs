using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteRefreshTokens
{
    private const string Exists = "SELECT 1 FROM refresh_tokens WHERE hash = ?1";

    private const string Insert = "INSERT INTO refresh_tokens (hash, session_id, number, used) VALUES (?1, ?2, ?3, 0)";

    private const string Select = """
        SELECT t.session_id, t.number, t.used, s.expires_at, u.username, u.role, u.disabled
        FROM refresh_tokens AS t JOIN sessions AS s ON s.id = t.session_id JOIN users AS u USING (name_key) WHERE t.hash = ?1
        """;

    private const string Use = "UPDATE refresh_tokens SET used = 1 WHERE hash = ?1";

    private const string Forget = "DELETE FROM refresh_tokens WHERE session_id = ?1 AND number <= ?2";

    private const string Extend = "UPDATE sessions SET last_used_at = ?2, expires_at = ?3, address = ?4 WHERE id = ?1";

    private const string EndSession = "DELETE FROM sessions WHERE id = ?1";

    public static bool HasRefreshToken(this SqliteSession session, byte[] hash)
    {
        using var query = session.Use(Exists);
        return query.Bind(1, hash).Step();
    }

    public static void InsertRefreshToken(this SqliteSession session, byte[] hash, string sessionId, long number)
    {
        using var insert = session.Use(Insert);
        insert.Bind(1, hash).Bind(2, sessionId).Bind(3, number).Run();
    }

    public static RotateResult Rotate(this SqliteSession session, Rotation rotation)
    {
        using var query = session.Use(Select);
        if (!query.Bind(1, rotation.PresentedHash).Step() || query.Time(3) <= rotation.Now)
        {
            return new RotateResult(RotateOutcome.Unknown);
        }

        var account = new SessionAccount(query.Text(0), query.Text(4), query.Enum<Role>(5));
        if (query.Bool(2))
        {
            EndReused(session, account, rotation.Now);
            return new RotateResult(RotateOutcome.Reused, account);
        }

        if (query.Bool(6))
        {
            return new RotateResult(RotateOutcome.Disabled, account);
        }

        Replace(session, rotation, account.SessionId, query.Int64(1));
        return new RotateResult(RotateOutcome.Rotated, account);
    }

    private static void EndReused(SqliteSession session, SessionAccount account, DateTimeOffset now)
    {
        using var end = session.Use(EndSession);
        end.Bind(1, account.SessionId).Run();
        session.AppendAccount(AuditActors.System, AuditActions.SessionReuse, AuditResults.SessionEnded, now, account.Username);
    }

    private static void Replace(SqliteSession session, Rotation rotation, string sessionId, long number)
    {
        using var use = session.Use(Use);
        use.Bind(1, rotation.PresentedHash).Run();
        session.InsertRefreshToken(rotation.TokenHash, sessionId, number + 1);
        using var forget = session.Use(Forget);
        forget.Bind(1, sessionId).Bind(2, number - UsedTokens.Remembered).Run();
        using var extend = session.Use(Extend);
        extend.Bind(1, sessionId).Bind(2, rotation.Now).Bind(3, rotation.ExpiresAt).Bind(4, rotation.Address).Run();
    }
}
