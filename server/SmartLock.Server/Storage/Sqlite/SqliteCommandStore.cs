using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteCommandStore(SqliteDatabase database) : ICommandStore
{
    private const string SelectByKey =
        $"SELECT {SqliteCommandRow.Columns} FROM commands WHERE requested_by = ?1 AND idempotency_key = ?2";

    private const string SelectById = $"SELECT {SqliteCommandRow.Columns} FROM commands WHERE id = ?1";

    private const string SelectLock = $"""
        SELECT state = 'Available', last_issued_at, protected_key, unsigned, own_topics, {SqliteAccess.Word}
        FROM locks JOIN device_keys ON device_keys.device_id = locks.device_id {SqliteAccess.JoinShare}
        WHERE locks.device_id = ?1 AND {SqliteAccess.MaySee}
        """;

    private const string UpdateLock = "UPDATE locks SET last_issued_at = ?2 WHERE device_id = ?1";

    private const string Insert = """
        INSERT INTO commands (id, device_id, action, requested_by, idempotency_key, issued_at, expires_at, state, log_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'Sent', (SELECT max(id) FROM logs))
        """;

    /// <summary>What an owner before had sent is not the present one's to read, as in the log.</summary>
    private const string Select = $"""
        SELECT {SqliteCommandRow.Columns} FROM commands AS c WHERE id = ?1
        AND (requested_by = ?2 OR EXISTS (SELECT 1 FROM locks WHERE device_id = c.device_id AND owner = ?2 AND log_from <= c.log_id))
        """;

    private const string Fail = $"""
        UPDATE commands SET state = 'Failed', result = ?2, decided_at = ?3, idempotency_key = NULL
        WHERE id = ?1 AND state = 'Sent' AND result IS NULL
        RETURNING {SqliteCommandRow.Columns}
        """;

    /// <summary>RETURNING hands over its first row only when all are written.</summary>
    private const string Expire = $"""
        UPDATE commands SET state = 'Expired', decided_at = ?2 WHERE id IN
        (SELECT id FROM commands WHERE state = 'Sent' AND expires_at < ?1 ORDER BY expires_at LIMIT ?3)
        RETURNING {SqliteCommandRow.Columns}
        """;

    public Task<IssueResult> IssueAsync(IssueRequest request, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Issue(session, request), ct);

    public Task<Command?> FindAsync(string commandId, string username, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(Select);
                return query.Bind(1, commandId).Bind(2, username).Step() ? SqliteCommandRow.Read(query) : null;
            },
            ct).AsTask();

    public Task<IReadOnlyList<Command>> FindManyAsync(IReadOnlyCollection<string> commandIds, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<Command>>(
            session =>
            {
                var found = new List<Command>(commandIds.Count);
                foreach (var commandId in commandIds)
                {
                    using var query = session.Use(SelectById);
                    if (query.Bind(1, commandId).Step())
                    {
                        found.Add(SqliteCommandRow.Read(query));
                    }
                }

                return found;
            },
            ct).AsTask();

    public Task<Command?> FailAsync(string commandId, string result, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var fail = session.Use(Fail);
                var failed = SqliteCommandRow.ReadAll(fail.Bind(1, commandId).Bind(2, result).Bind(3, now)).SingleOrDefault();
                if (failed is not null)
                {
                    session.AppendOutcome(failed, AuditActors.System, result, now);
                }

                return failed;
            },
            ct);

    public Task<IReadOnlyList<Command>> ExpireAsync(
        DateTimeOffset expiredBefore,
        DateTimeOffset now,
        int limit,
        CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<Command>>(
            Durability.Relaxed,
            session =>
            {
                using var expire = session.Use(Expire);
                var expired = SqliteCommandRow.ReadAll(expire.Bind(1, expiredBefore).Bind(2, now).Bind(3, limit));
                foreach (var command in expired)
                {
                    session.AppendOutcome(command, AuditActors.System, AuditResults.Expired, now);
                }

                return expired;
            },
            ct);

    /// <summary>
    /// The key comes first: a retry gets the first answer whatever has become of the lock since. The lock is asked for in
    /// one query with who may see it now, so that a foreign one costs what a missing one costs.
    /// </summary>
    private static IssueResult Issue(SqliteSession session, IssueRequest request)
    {
        if (FindByKey(session, request) is { } earlier)
        {
            return earlier.DeviceId == request.DeviceId && earlier.Action == request.Action
                ? new IssueResult(IssueOutcome.AlreadyIssued, earlier)
                : Refuse(session, request, IssueOutcome.IdempotencyKeyReused, AuditResults.KeyReused);
        }

        using var query = session.Use(SelectLock);
        if (!query.Bind(1, request.DeviceId).BindViewer(request.Actor, request.Now).Step())
        {
            return Refuse(session, request, IssueOutcome.NotFound, AuditResults.NotFound);
        }

        if (query.Enum<LockAccess>(5) is LockAccess.Viewer)
        {
            return Refuse(session, request, IssueOutcome.NotAllowed, AuditResults.Viewer);
        }

        if (!query.Bool(0))
        {
            return Refuse(session, request, IssueOutcome.Offline, AuditResults.Offline);
        }

        var issuedAt = CommandRules.NextIssuedAt(request.Now.ToUnixTimeMilliseconds(), query.Int64(1));
        var route = new DeviceRoute(query.Blob(2), query.Bool(3), query.Bool(4));
        return new IssueResult(IssueOutcome.Issued, Write(session, request, issuedAt), route);
    }

    private static Command? FindByKey(SqliteSession session, IssueRequest request)
    {
        if (request.IdempotencyKey is null)
        {
            return null;
        }

        using var query = session.Use(SelectByKey);
        return query.Bind(1, request.Actor).Bind(2, request.IdempotencyKey).Step() ? SqliteCommandRow.Read(query) : null;
    }

    private static Command Write(SqliteSession session, IssueRequest request, long issuedAt)
    {
        var command = request.IssuedAt(DateTimeOffset.FromUnixTimeMilliseconds(issuedAt));

        // First, since the command's row names this entry.
        session.AppendOutcome(command, command.RequestedBy, AuditResults.Sent, request.Now);
        using var insert = session.Use(Insert);
        insert.Bind(1, command.Id)
            .Bind(2, command.DeviceId)
            .Bind(3, command.Action.ToString())
            .Bind(4, command.RequestedBy)
            .Bind(5, request.IdempotencyKey)
            .Bind(6, command.IssuedAt)
            .Bind(7, command.ExpiresAt)
            .Run();
        using var update = session.Use(UpdateLock);
        update.Bind(1, command.DeviceId).Bind(2, issuedAt).Run();
        return command;
    }

    private static IssueResult Refuse(SqliteSession session, IssueRequest request, IssueOutcome outcome, string result)
    {
        session.Append(new NewAuditEntry(
            request.Now,
            request.DeviceId,
            request.Actor,
            SqliteLogs.ActionOf(request.Action),
            result));
        return new IssueResult(outcome);
    }
}
