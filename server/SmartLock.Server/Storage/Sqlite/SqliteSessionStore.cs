using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteSessionStore(SqliteDatabase database) : ISessionStore
{
    private const string CheckUser = """
        SELECT 1 FROM users WHERE name_key = ?1 AND password_version = ?2 AND disabled = 0 AND (?3 OR NOT EXISTS
        (SELECT 1 FROM second_factors AS f WHERE f.name_key = users.name_key AND f.confirmed_at IS NOT NULL))
        """;

    private const string Insert = """
        INSERT INTO sessions (id, name_key, created_at, last_used_at, expires_at, user_agent, address) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)
        """;

    private const string MakeRoom = """
        DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE name_key = ?1 ORDER BY last_used_at DESC, id DESC LIMIT -1 OFFSET ?2) RETURNING id
        """;

    private const string SelectAccount = """
        SELECT s.id, u.username, u.role FROM sessions AS s JOIN users AS u USING (name_key)
        WHERE s.id = ?1 AND s.expires_at > ?2 AND u.disabled = 0
        """;

    private const string SelectList = """
        SELECT id, created_at, last_used_at, expires_at, user_agent, address FROM sessions
        WHERE name_key = ?1 AND expires_at > ?2 ORDER BY id DESC
        """;

    private const string End = "DELETE FROM sessions WHERE id = ?2 AND name_key = ?1";

    private const string EndByToken = """
        DELETE FROM sessions WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = ?1) RETURNING name_key, id
        """;

    private const string EndOthers = "DELETE FROM sessions WHERE name_key = ?1 AND id <> ?2 RETURNING id";

    private const string DeleteExpired = """
        DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2) RETURNING name_key, id
        """;

    public Task<OpenSessionResult> OpenAsync(User user, NewSession session, int most, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, connection => Open(connection, user, session, most), ct);

    public Task<SessionAccount?> FindAsync(string sessionId, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(SelectAccount);
                return query.Bind(1, sessionId).Bind(2, now).Step()
                    ? new SessionAccount(query.Text(0), query.Text(1), query.Enum<Role>(2))
                    : null;
            },
            ct).AsTask();

    /// <summary>A token that is none costs a read, not the writer's time.</summary>
    public async Task<RotateResult> RotateAsync(Rotation rotation, CancellationToken ct) =>
        await database.ReadAsync(session => session.HasRefreshToken(rotation.PresentedHash), ct)
            ? await database.WriteAsync(Durability.Full, session => session.Rotate(rotation), ct)
            : new RotateResult(RotateOutcome.Unknown);

    public Task<IReadOnlyList<Session>> ListAsync(string username, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<Session>>(
            session =>
            {
                using var query = session.Use(SelectList);
                query.Bind(1, SqliteNames.KeyOf(username)).Bind(2, now);
                var found = new List<Session>();
                while (query.Step())
                {
                    found.Add(new Session(
                        query.Text(0), query.Time(1), query.Time(2), query.Time(3), query.TextOrNull(4), query.Text(5)));
                }

                return found;
            },
            ct).AsTask();

    public Task<EndSessionOutcome> EndAsync(string username, string sessionId, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var end = session.Use(End);
                var ended = end.Bind(1, SqliteNames.KeyOf(username)).Bind(2, sessionId).Run();
                return ended == 1 ? EndSessionOutcome.Ended : EndSessionOutcome.NotFound;
            },
            ct);

    public async Task<EndedSession?> EndByTokenAsync(byte[] tokenHash, CancellationToken ct)
    {
        if (!await database.ReadAsync(session => session.HasRefreshToken(tokenHash), ct))
        {
            return null;
        }

        return await database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var end = session.Use(EndByToken);
                return ReadEnded(end.Bind(1, tokenHash)).SingleOrDefault();
            },
            ct);
    }

    public Task<IReadOnlyList<string>> EndOthersAsync(string username, string sessionId, CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<string>>(
            Durability.Full,
            session =>
            {
                using var end = session.Use(EndOthers);
                return ReadIds(end.Bind(1, SqliteNames.KeyOf(username)).Bind(2, sessionId));
            },
            ct);

    public Task<IReadOnlyList<EndedSession>> DeleteExpiredAsync(DateTimeOffset now, int limit, CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<EndedSession>>(
            Durability.Relaxed,
            session =>
            {
                using var delete = session.Use(DeleteExpired);
                return ReadEnded(delete.Bind(1, now).Bind(2, limit));
            },
            ct);

    public Task NoteRefusedAsync(string username, string result, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                if (SqliteUserStore.Find(session, username) is { } user)
                {
                    session.AppendAccount(AuditActors.System, AuditActions.AccountLogin, result, now, user.Username);
                }

                return 0;
            },
            ct);

    private static OpenSessionResult Open(SqliteSession connection, User user, NewSession session, int most)
    {
        var nameKey = SqliteNames.KeyOf(user.Username);
        using (var check = connection.Use(CheckUser))
        {
            if (!check.Bind(1, nameKey).Bind(2, user.PasswordVersion).Bind(3, user.HasSecondFactor).Step())
            {
                return new OpenSessionResult(OpenSessionOutcome.Stale, []);
            }
        }

        using (var makeRoom = connection.Use(MakeRoom))
        {
            var ended = ReadIds(makeRoom.Bind(1, nameKey).Bind(2, most - 1L));
            using var insert = connection.Use(Insert);
            insert.Bind(1, session.Id)
                .Bind(2, nameKey)
                .Bind(3, session.CreatedAt)
                .Bind(4, session.ExpiresAt)
                .Bind(5, session.UserAgent)
                .Bind(6, session.Address)
                .Run();
            connection.InsertRefreshToken(session.TokenHash, session.Id, 1);
            connection.AppendAccount(user.Username, AuditActions.AccountLogin, AuditResults.AccountDone, session.CreatedAt);
            return new OpenSessionResult(OpenSessionOutcome.Opened, ended);
        }
    }

    private static List<string> ReadIds(SqliteStatement rows)
    {
        var ids = new List<string>();
        while (rows.Step())
        {
            ids.Add(rows.Text(0));
        }

        return ids;
    }

    private static List<EndedSession> ReadEnded(SqliteStatement rows)
    {
        var ended = new List<EndedSession>();
        while (rows.Step())
        {
            ended.Add(new EndedSession(rows.Text(0), rows.Text(1)));
        }

        return ended;
    }
}
