using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteSessionStore(SqliteDatabase database) : ISessionStore
{
    private const string Insert = """
        INSERT INTO sessions (id, name_key, created_at, last_used_at, expires_at, user_agent, address)
        VALUES (@Id, @NameKey, @CreatedAt, @CreatedAt, @ExpiresAt, @UserAgent, @Address)
        """;

    private const string MakeRoom = """
        DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE name_key = @nameKey ORDER BY last_used_at DESC, id DESC LIMIT -1 OFFSET @kept) RETURNING id
        """;

    private const string SelectAny = "SELECT EXISTS (SELECT 1 FROM sessions)";

    private const string SelectNetwork = "SELECT EXISTS (SELECT 1 FROM known_networks WHERE name_key = @nameKey AND network = @network)";

    private const string RememberNetwork = """
        INSERT INTO known_networks (name_key, network, last_used_at) VALUES (@NameKey, @Network, @CreatedAt)
        ON CONFLICT (name_key, network) DO UPDATE SET last_used_at = excluded.last_used_at
        """;

    private const string ForgetNetworks = """
        DELETE FROM known_networks WHERE name_key = @NameKey AND network IN
        (SELECT network FROM known_networks WHERE name_key = @NameKey ORDER BY last_used_at DESC, network LIMIT -1 OFFSET @Most)
        """;

    private const string SelectAccount = """
        SELECT s.id AS session_id, u.username, u.role FROM sessions AS s JOIN users AS u USING (name_key)
        WHERE s.id = @sessionId AND s.expires_at > @now AND u.disabled = 0
        """;

    private const string SelectList = "SELECT * FROM sessions WHERE name_key = @nameKey AND expires_at > @now ORDER BY id DESC";

    private const string End = "DELETE FROM sessions WHERE id = @sessionId AND name_key = @nameKey";

    private const string EndById = "DELETE FROM sessions WHERE id = @SessionId";

    private const string EndByToken = """
        DELETE FROM sessions WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = @tokenHash)
        RETURNING name_key AS username, id AS session_id
        """;

    private const string EndOthers = "DELETE FROM sessions WHERE name_key = @nameKey AND id <> @sessionId RETURNING id";

    private const string DeleteExpired = """
        DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= @now ORDER BY expires_at LIMIT @limit)
        RETURNING name_key AS username, id AS session_id
        """;

    private const string IsToken = "SELECT EXISTS (SELECT 1 FROM refresh_tokens WHERE hash = @hash)";

    private const string InsertToken = "INSERT INTO refresh_tokens (hash, session_id, number, used) VALUES (@TokenHash, @SessionId, @Number, 0)";

    private const string SelectToken = """
        SELECT session_id, number, used, expires_at, username
        FROM refresh_tokens AS t JOIN sessions AS s ON s.id = t.session_id JOIN users USING (name_key) WHERE t.hash = @PresentedHash
        """;

    private const string UseToken = "UPDATE refresh_tokens SET used = 1 WHERE hash = @PresentedHash";

    private const string ForgetTokens = "DELETE FROM refresh_tokens WHERE session_id = @SessionId AND number <= @Forgotten";

    private const string Extend =
        "UPDATE sessions SET last_used_at = @Now, expires_at = @ExpiresAt, address = @Address WHERE id = @SessionId";

    public Task<OpenSessionResult> OpenAsync(User user, NewSession session, int most, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, connection => Open(connection, user, session, most), ct);

    public Task<bool> AnyAsync(CancellationToken ct) => database.ReadAsync(session => session.Scalar<bool>(SelectAny), ct).AsTask();

    public Task<bool> IsKnownNetworkAsync(string username, string network, CancellationToken ct) => database.ReadAsync(
        session => session.Scalar<bool>(SelectNetwork, new { nameKey = SqliteNames.KeyOf(username), network }), ct).AsTask();

    public Task<SessionAccount?> FindAsync(string sessionId, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(session => session.Find<SessionAccount>(SelectAccount, new { sessionId, now }), ct).AsTask();

    public async Task<RotateResult> RotateAsync(Rotation rotation, CancellationToken ct) =>
        await IsTokenAsync(rotation.PresentedHash, ct)
            ? await database.WriteAsync(Durability.Full, session => Rotate(session, rotation), ct)
            : new RotateResult(RotateOutcome.Unknown);

    public Task<IReadOnlyList<Session>> ListAsync(string username, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<Session>>(
            session => session.Query<Session>(SelectList, new { nameKey = SqliteNames.KeyOf(username), now }), ct).AsTask();

    public Task<EndSessionOutcome> EndAsync(string username, string sessionId, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session => session.Execute(End, new { nameKey = SqliteNames.KeyOf(username), sessionId }) == 1
                ? EndSessionOutcome.Ended
                : EndSessionOutcome.NotFound,
            ct);

    public async Task<EndedSession?> EndByTokenAsync(byte[] tokenHash, CancellationToken ct) =>
        await IsTokenAsync(tokenHash, ct)
            ? await database.WriteAsync(
                Durability.Full, session => session.Query<EndedSession>(EndByToken, new { tokenHash }).SingleOrDefault(), ct)
            : null;

    public Task<IReadOnlyList<string>> EndOthersAsync(string username, string sessionId, CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<string>>(
            Durability.Full,
            session => session.Query<string>(EndOthers, new { nameKey = SqliteNames.KeyOf(username), sessionId }),
            ct);

    public Task<IReadOnlyList<EndedSession>> DeleteExpiredAsync(DateTimeOffset now, int limit, CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<EndedSession>>(
            Durability.Relaxed, session => session.Query<EndedSession>(DeleteExpired, new { now, limit }), ct);

    public Task NoteRefusedAsync(string username, string result, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                if (session.FindUser(username) is { } user)
                {
                    session.Append(SessionRules.Refused(user.Username, result, now));
                }

                return true;
            },
            ct);

    /// <summary>A token that is none costs a read, not the writer's time.</summary>
    private ValueTask<bool> IsTokenAsync(byte[] hash, CancellationToken ct) =>
        database.ReadAsync(session => session.Scalar<bool>(IsToken, new { hash }), ct);

    private static OpenSessionResult Open(SqliteSession connection, User user, NewSession session, int most)
    {
        var outcome = SessionRules.Open(connection.FindUser(user.Username), user);
        if (outcome is not OpenSessionOutcome.Opened)
        {
            return new OpenSessionResult(outcome, []);
        }

        var nameKey = SqliteNames.KeyOf(user.Username);
        var ended = connection.Query<string>(MakeRoom, new { nameKey, kept = SessionRules.KeptBesideNew(most) });
        connection.Execute(
            Insert,
            new { session.Id, NameKey = nameKey, session.CreatedAt, session.ExpiresAt, session.UserAgent, session.Address });
        connection.Execute(InsertToken, new { session.TokenHash, SessionId = session.Id, Number = 1 });
        var network = new { NameKey = nameKey, Network = ClientAddress.NetworkOf(session.Address), session.CreatedAt, KnownNetworks.Most };
        connection.Execute(RememberNetwork, network);
        connection.Execute(ForgetNetworks, network);
        connection.Append(SessionRules.Opened(user.Username, session.CreatedAt));
        return new OpenSessionResult(outcome, ended);
    }

    private static RotateResult Rotate(SqliteSession session, Rotation rotation)
    {
        if (session.Find<StoredToken>(SelectToken, rotation) is not { } token)
        {
            return new RotateResult(RotateOutcome.Unknown);
        }

        var result = SessionRules.Rotate(token.SessionId, session.FindUser(token.Username), token.ExpiresAt, token.Used, rotation.Now);
        switch (result.Outcome)
        {
            case RotateOutcome.Rotated:
                Replace(session, rotation, token);
                break;
            case RotateOutcome.Reused:
                session.Execute(EndById, token);
                session.Append(SessionRules.Reused(token.Username, rotation.Now));
                break;
        }

        return result;
    }

    private static void Replace(SqliteSession session, Rotation rotation, StoredToken token)
    {
        session.Execute(UseToken, rotation);
        session.Execute(InsertToken, new { rotation.TokenHash, token.SessionId, Number = token.Number + 1 });
        session.Execute(ForgetTokens, new { token.SessionId, Forgotten = token.Number - UsedTokens.Remembered });
        session.Execute(Extend, new { token.SessionId, rotation.Now, rotation.ExpiresAt, rotation.Address });
    }

    private sealed record StoredToken(string SessionId, long Number, bool Used, DateTimeOffset ExpiresAt, string Username);
}
