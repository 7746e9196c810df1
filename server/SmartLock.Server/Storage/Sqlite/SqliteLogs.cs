using SmartLock.Server.Audit;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Appends log entries inside the transaction of what they tell of.</summary>
internal static class SqliteLogs
{
    private const string SelectEnd = """
        SELECT h.seq, h.hash, h.seal, (SELECT max(seq) FROM logs WHERE device_id = ?1)
        FROM (SELECT 1) LEFT JOIN log_heads AS h ON h.device_id = ?1
        """;

    private const string SelectHash = "SELECT hash FROM logs WHERE device_id = ?1 AND seq = ?2";

    private const string Insert = """
        INSERT INTO logs (device_id, seq, time, actor, action, result, command_id, target, previous_hash, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        """;

    private const string MoveHead = """
        INSERT INTO log_heads (device_id, seq, hash, seal) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (device_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal
        """;

    public static void Append(this SqliteSession session, NewAuditEntry entry)
    {
        var end = FindEnd(session, entry.DeviceId);
        var linked = new ChainedEntry(
            0,
            entry.DeviceId,
            end.Sequence + 1,
            entry.Time.ToUnixTimeMilliseconds(),
            SqliteLogNames.ToStored(session, entry.Actor),
            entry.Action,
            entry.Result,
            entry.CommandId,
            entry.Target is null ? null : SqliteLogNames.ToStored(session, entry.Target),
            end.Hash,
            []);
        var hash = session.Chain.HashOf(linked);
        Write(session, linked, hash);
        using var move = session.Use(MoveHead);
        move.Bind(1, linked.DeviceId)
            .Bind(2, linked.Sequence)
            .Bind(3, hash)
            .Bind(4, end.IsSound ? session.Chain.SealOf(linked.DeviceId, linked.Sequence, hash) : [])
            .Run();
    }

    /// <summary>
    /// A chain whose end was tampered with goes on, since a door must open; but its end is never sealed again, so that
    /// writing on does not mend what verification is to find.
    /// </summary>
    private static ChainEnd FindEnd(SqliteSession session, string deviceId)
    {
        using var query = session.Use(SelectEnd);
        query.Bind(1, deviceId).Step();
        var written = query.IsNull(3) ? 0 : query.Int64(3);
        if (query.IsNull(0))
        {
            return written == 0 ? new ChainEnd(0, AuditChain.Beginning, IsSound: true) : new ChainEnd(written, HashAt(session, deviceId, written), IsSound: false);
        }

        var head = new ChainHead(query.Int64(0), query.Blob(1), query.Blob(2));
        if (head.Sequence == written)
        {
            return new ChainEnd(written, head.Hash, session.Chain.IsSealed(deviceId, head));
        }

        var last = Math.Max(written, head.Sequence);
        return new ChainEnd(last, last == written ? HashAt(session, deviceId, written) : head.Hash, IsSound: false);
    }

    private static byte[] HashAt(SqliteSession session, string deviceId, long sequence)
    {
        using var query = session.Use(SelectHash);
        query.Bind(1, deviceId).Bind(2, sequence).Step();
        return query.Blob(0);
    }

    private static void Write(SqliteSession session, ChainedEntry entry, byte[] hash)
    {
        using var insert = session.Use(Insert);
        insert.Bind(1, entry.DeviceId)
            .Bind(2, entry.Sequence)
            .Bind(3, entry.Time)
            .Bind(4, entry.Actor)
            .Bind(5, entry.Action)
            .Bind(6, entry.Result)
            .Bind(7, entry.CommandId)
            .Bind(8, entry.Target)
            .Bind(9, entry.PreviousHash)
            .Bind(10, hash)
            .Run();
    }

    private readonly record struct ChainEnd(long Sequence, byte[] Hash, bool IsSound);

    public static void AppendAvailable(this SqliteSession session, string deviceId, DateTimeOffset time) =>
        session.Append(new NewAuditEntry(
            time,
            deviceId,
            AuditActors.Device(deviceId),
            AuditActions.Connectivity,
            AuditResults.Available));

    public static void AppendUnavailable(this SqliteSession session, string deviceId, string issue, DateTimeOffset time) =>
        session.Append(new NewAuditEntry(
            time,
            deviceId,
            AuditActors.System,
            AuditActions.Connectivity,
            AuditResults.Unavailable(issue)));

    public static void AppendOutcome(this SqliteSession session, Command command, string actor, string result, DateTimeOffset time) =>
        session.Append(new NewAuditEntry(time, command.DeviceId, actor, ActionOf(command.Action), result, command.Id));

    public static string ActionOf(CommandAction action) => action switch
    {
        CommandAction.Lock => AuditActions.LockCommand,
        CommandAction.Unlock => AuditActions.UnlockCommand,
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
    };
}
