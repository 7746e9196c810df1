using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// Merges the logs of an owner's locks by their newest entries, one index seek per lock and per entry given. A plain join
/// would either walk everybody's log or sort the whole of the owner's.
/// </summary>
internal sealed class SqliteAuditStore(SqliteDatabase database) : IAuditStore
{
    private const string SelectHeads = """
        SELECT device_id, (SELECT max(id) FROM logs WHERE logs.device_id = locks.device_id AND id < ?2) AS head
        FROM locks WHERE owner = ?1 AND (?3 IS NULL OR device_id = ?3) AND head IS NOT NULL ORDER BY head DESC LIMIT ?4
        """;

    private const string SelectNext = "SELECT max(id) FROM logs WHERE device_id = ?1 AND id < ?2";

    private const string SelectEntry =
        "SELECT id, time, device_id, actor, action, result, command_id FROM logs WHERE id = ?1";

    public Task<Page<AuditEntry>> ListAsync(string owner, string? deviceId, long? beforeId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session => AuditCursor.Page(Merge(session, owner, deviceId, beforeId ?? long.MaxValue, limit + 1), limit),
            ct).AsTask();

    /// <summary>The log only grows, so the several statements need no common snapshot.</summary>
    private static List<AuditEntry> Merge(SqliteSession session, string owner, string? deviceId, long beforeId, int count)
    {
        var heads = new PriorityQueue<string, long>();
        using (var query = session.Use(SelectHeads))
        {
            // A lock whose newest entry is not among the newest `count` heads has nothing to give.
            query.Bind(1, owner).Bind(2, beforeId).Bind(3, deviceId).Bind(4, count);
            while (query.Step())
            {
                heads.Enqueue(query.Text(0), -query.Int64(1));
            }
        }

        var entries = new List<AuditEntry>(Math.Min(count, heads.Count));
        while (entries.Count < count && heads.TryDequeue(out var lockId, out var negated))
        {
            entries.Add(ReadEntry(session, -negated));
            using var next = session.Use(SelectNext);
            next.Bind(1, lockId).Bind(2, -negated).Step();
            if (!next.IsNull(0))
            {
                heads.Enqueue(lockId, -next.Int64(0));
            }
        }

        return entries;
    }

    private static AuditEntry ReadEntry(SqliteSession session, long id)
    {
        using var query = session.Use(SelectEntry);
        query.Bind(1, id).Step();
        return new AuditEntry(
            query.Int64(0),
            query.Time(1),
            query.Text(2),
            query.Text(3),
            query.Text(4),
            query.Text(5),
            query.TextOrNull(6));
    }
}
