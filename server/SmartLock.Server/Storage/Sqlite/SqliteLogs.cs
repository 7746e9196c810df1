using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Appends log entries inside the transaction of what they tell of. Every write has an entry, so its statements are kept prepared.</summary>
internal static class SqliteLogs
{
    /// <summary><c>written</c> is the last entry that is there, whatever the recorded end says.</summary>
    private const string SelectEnd = """
        SELECT h.seq AS head_seq, h.hash AS head_hash, h.seal, (SELECT max(seq) FROM logs WHERE device_id = @DeviceId) AS written
        FROM (SELECT 1) LEFT JOIN log_heads AS h ON h.device_id = @DeviceId
        """;

    private const string SelectHash = "SELECT hash FROM logs WHERE device_id = @deviceId AND seq = @sequence";

    private const string Insert = """
        INSERT INTO logs (device_id, seq, time, actor, action, result, command_id, target, issue, previous_hash, hash)
        VALUES (@DeviceId, @Sequence, @Time, @Actor, @Action, @Result, @CommandId, @Target, @Issue, @PreviousHash, @Hash)
        """;

    private const string MoveHead = """
        INSERT INTO log_heads (device_id, seq, hash, seal) VALUES (@DeviceId, @Sequence, @Hash, @Seal)
        ON CONFLICT (device_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal
        """;

    public static void Append(this SqliteSession session, NewAuditEntry entry) => session.Append(entry, SqliteLogNames.ToStored, Insert);

    /// <param name="toStored">How names are stored; another way for a store that is being migrated, as <paramref name="insert"/> is another statement.</param>
    public static void Append(this SqliteSession session, NewAuditEntry entry, Func<SqliteSession, string, string> toStored, string insert)
    {
        var end = FindEnd(session, entry.DeviceId);
        var linked = new ChainedEntry(
            0,
            entry.DeviceId,
            end.Sequence + 1,
            entry.Time.ToUnixTimeMilliseconds(),
            toStored(session, entry.Actor),
            entry.Action,
            entry.Result,
            entry.CommandId,
            entry.Target is null ? null : toStored(session, entry.Target),
            end.Hash,
            [],
            entry.Issue);
        linked = linked with { Hash = session.Chain.HashOf(linked) };
        Write(session, insert, linked);
        session.Prepare(MoveHead)
            .Set("@DeviceId", linked.DeviceId)
            .Set("@Sequence", linked.Sequence)
            .Set("@Hash", linked.Hash)
            .Set("@Seal", end.IsSound ? session.Chain.SealOf(linked.DeviceId, linked.Sequence, linked.Hash) : [])
            .Run();
    }

    /// <summary>Nothing when there is none.</summary>
    public static void AppendIfAny(this SqliteSession session, NewAuditEntry? entry)
    {
        if (entry is not null)
        {
            session.Append(entry);
        }
    }

    /// <summary>
    /// A chain whose end was tampered with goes on, since a door must open; but its end is never sealed again, so that
    /// writing on does not mend what verification is to find.
    /// </summary>
    private static ChainEnd FindEnd(SqliteSession session, string deviceId)
    {
        var (head, written) = ReadEnd(session, deviceId);
        if (head is null)
        {
            return written == 0 ? new ChainEnd(0, AuditChain.Beginning, IsSound: true) : new ChainEnd(written, HashAt(session, deviceId, written), IsSound: false);
        }

        if (head.Sequence == written)
        {
            return new ChainEnd(written, head.Hash, session.Chain.IsSealed(deviceId, head));
        }

        var last = Math.Max(written, head.Sequence);
        return new ChainEnd(last, last == written ? HashAt(session, deviceId, written) : head.Hash, IsSound: false);
    }

    private static (ChainHead? Head, long Written) ReadEnd(SqliteSession session, string deviceId)
    {
        using var row = session.Prepare(SelectEnd).Set("@DeviceId", deviceId).Read();
        row.Read();
        var (sequence, written) = (row.GetOrdinal("head_seq"), row.GetOrdinal("written"));
        var head = row.IsDBNull(sequence)
            ? null
            : new ChainHead(row.GetInt64(sequence), row.GetFieldValue<byte[]>(row.GetOrdinal("head_hash")), row.GetFieldValue<byte[]>(row.GetOrdinal("seal")));
        return (head, row.IsDBNull(written) ? 0 : row.GetInt64(written));
    }

    private static byte[] HashAt(SqliteSession session, string deviceId, long sequence) =>
        session.Scalar<byte[]>(SelectHash, new { deviceId, sequence })!;

    private static void Write(SqliteSession session, string insert, ChainedEntry entry) => session.Prepare(insert)
        .Set("@DeviceId", entry.DeviceId)
        .Set("@Sequence", entry.Sequence)
        .Set("@Time", entry.Time)
        .Set("@Actor", entry.Actor)
        .Set("@Action", entry.Action)
        .Set("@Result", entry.Result)
        .Set("@CommandId", entry.CommandId)
        .Set("@Target", entry.Target)
        .Set("@Issue", entry.Issue)
        .Set("@PreviousHash", entry.PreviousHash)
        .Set("@Hash", entry.Hash)
        .Run();

    private readonly record struct ChainEnd(long Sequence, byte[] Hash, bool IsSound);
}
