using SmartLock.Server.Commands;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteCommandStore(SqliteDatabase database) : ICommandStore
{
    private const string SelectByKey = "SELECT * FROM commands WHERE requested_by = @Actor AND idempotency_key = @IdempotencyKey";

    private const string SelectById = "SELECT * FROM commands WHERE id = @commandId";

    /// <summary>
    /// The lock is asked for in one query with who may see it now, so that a foreign one costs what a missing one costs.
    /// </summary>
    private const string SelectLock = $"""
        SELECT locks.*, protected_key, {SqliteAccess.Word}
        FROM locks JOIN device_keys ON device_keys.device_id = locks.device_id {SqliteAccess.JoinShare}
        WHERE locks.device_id = @DeviceId AND {SqliteAccess.MaySee}
        """;

    private const string UpdateLock = "UPDATE locks SET last_issued_at = @IssuedAt WHERE device_id = @DeviceId";

    private const string Insert = """
        INSERT INTO commands (id, device_id, action, requested_by, idempotency_key, issued_at, expires_at, state, log_id)
        VALUES (@Id, @DeviceId, @Action, @RequestedBy, @IdempotencyKey, @IssuedAt, @ExpiresAt, @State, (SELECT max(id) FROM logs))
        """;

    /// <summary>What an owner before had sent is not the present one's to read, as in the log.</summary>
    private const string Select = """
        SELECT * FROM commands AS c WHERE id = @commandId
        AND (requested_by = @username OR EXISTS (SELECT 1 FROM locks WHERE device_id = c.device_id AND owner = @username AND log_from <= c.log_id))
        """;

    private const string FreeKey = "UPDATE commands SET idempotency_key = NULL WHERE id = @Id";

    private const string SelectOverdue = """
        SELECT * FROM (SELECT * FROM commands WHERE state = 'Sent' AND expires_at < @expiredBefore ORDER BY expires_at LIMIT @limit)
        UNION ALL
        SELECT * FROM (SELECT * FROM commands WHERE state = 'Sent' AND expires_at > @farthest ORDER BY expires_at LIMIT @limit)
        LIMIT @limit
        """;

    public Task<IssueResult> IssueAsync(IssueRequest request, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Issue(session, request), ct);

    public Task<Command?> FindAsync(string commandId, string username, CancellationToken ct) =>
        database.ReadAsync(session => session.Find<Command>(Select, new { commandId, username }), ct).AsTask();

    public Task<IReadOnlyList<Command>> FindManyAsync(IReadOnlyCollection<string> commandIds, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<Command>>(
            session => [.. commandIds.Select(commandId => session.Find<Command>(SelectById, new { commandId })).OfType<Command>()],
            ct).AsTask();

    public Task<Command?> FailAsync(string commandId, string result, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var found = session.Find<Command>(SelectById, new { commandId });
                if (found is null || CommandEndRules.Fail(found, result, now) is not { } failed)
                {
                    return null;
                }

                session.Execute(FreeKey, found);
                return session.End(failed);
            },
            ct);

    public Task<IReadOnlyList<Command>> ExpireAsync(
        DateTimeOffset expiredBefore,
        DateTimeOffset now,
        int limit,
        CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<Command>>(
            Durability.Relaxed,
            session => [.. session.Query<Command>(SelectOverdue, new { expiredBefore, farthest = now + CommandRules.FarthestExpiry, limit })
                .Select(command => CommandEndRules.Expire(command, expiredBefore, now))
                .OfType<EndedCommand>()
                .Select(session.End)],
            ct);

    private static IssueResult Issue(SqliteSession session, IssueRequest request)
    {
        var earlier = request.IdempotencyKey is null ? null : session.Find<Command>(SelectByKey, request);
        var (result, entry) = IssueRules.Decide(request, earlier, earlier is null ? FindLock(session, request) : null);

        // First, since the command's row names this entry.
        session.AppendIfAny(entry);
        if (result is { Outcome: IssueOutcome.Issued, Command: { } command })
        {
            session.Execute(Insert, new
            {
                command.Id,
                command.DeviceId,
                Action = command.Action.ToString(),
                command.RequestedBy,
                request.IdempotencyKey,
                command.IssuedAt,
                command.ExpiresAt,
                State = command.State.ToString(),
            });
            session.Execute(UpdateLock, command);
        }

        return result;
    }

    private static LockForCommand? FindLock(SqliteSession session, IssueRequest request)
    {
        var viewer = new SqliteAccess.Viewer(request.DeviceId, request.Actor, request.Now);
        return session.Find<LockRow>(SelectLock, viewer) is { } row
            ? new LockForCommand(row.Access, row.State, row.LastIssuedAt, new DeviceRoute(row.ProtectedKey, row.Unsigned, row.OwnTopics, row.Boot))
            : null;
    }

    private sealed record LockRow(LockAccess Access, LockState State, long LastIssuedAt, byte[] ProtectedKey, bool Unsigned, bool OwnTopics, string? Boot);
}
