using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// Merges the logs of an owner's locks by their newest entries, one index seek per lock and per entry given. A plain join
/// would either walk everybody's log or sort the whole of the owner's.
/// </summary>
internal sealed class SqliteAuditStore(SqliteDatabase database) : IAuditStore
{
    /// <summary>What was before <c>log_from</c> is the business of owners before.</summary>
    private const string SelectHeads = """
        SELECT device_id, log_from, (SELECT max(id) FROM logs WHERE logs.device_id = locks.device_id AND id < ?2 AND id >= log_from) AS head
        FROM locks WHERE owner = ?1 AND (?3 IS NULL OR device_id = ?3)
        """;

    private const string SelectNext = "SELECT max(id) FROM logs WHERE device_id = ?1 AND id < ?2 AND id >= ?3";

    private const string SelectEntry = $"SELECT {SqliteLogRow.Columns} FROM logs WHERE id = ?1";

    private const string SelectAll = $"SELECT {SqliteLogRow.Columns} FROM logs WHERE id < ?1 ORDER BY id DESC";

    private const string SelectOfDevice = $"SELECT {SqliteLogRow.Columns} FROM logs WHERE id < ?1 AND device_id = ?2 ORDER BY id DESC";

    private const string SelectOfActor = $"SELECT {SqliteLogRow.Columns} FROM logs WHERE id < ?1 AND actor = ?2 ORDER BY id DESC";

    private const string SelectChains = $"""
        SELECT {SqliteLogRow.Columns}, h.head_seq, h.head_hash, h.seal FROM logs
        LEFT JOIN (SELECT device_id AS head_of, seq AS head_seq, hash AS head_hash, seal FROM log_heads) AS h ON h.head_of = logs.device_id
        WHERE (device_id, seq) > (?1, ?2) ORDER BY device_id, seq LIMIT ?3
        """;

    private const string SelectChain = $"""
        SELECT {SqliteLogRow.Columns}, h.head_seq, h.head_hash, h.seal FROM logs
        LEFT JOIN (SELECT device_id AS head_of, seq AS head_seq, hash AS head_hash, seal FROM log_heads) AS h ON h.head_of = logs.device_id
        WHERE device_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3
        """;

    private const string SelectVanished = """
        SELECT device_id FROM (SELECT device_id FROM log_heads UNION SELECT device_id FROM locks) AS known
        WHERE device_id > ?1 AND (?2 IS NULL OR device_id = ?2)
        AND NOT EXISTS (SELECT 1 FROM logs WHERE logs.device_id = known.device_id) ORDER BY device_id LIMIT ?3
        """;

    public Task<Page<AuditEntry>> ListAsync(string owner, AuditFilter filter, long? beforeId, int limit, CancellationToken ct) =>
        database.ReadAsync(session => Merge(session, owner, filter, beforeId ?? long.MaxValue, limit), ct).AsTask();

    public Task<Page<AuditEntry>> ListAllAsync(AuditFilter filter, long? beforeId, int limit, CancellationToken ct) =>
        database.ReadAsync(session => Walk(session, filter, beforeId ?? long.MaxValue, limit), ct).AsTask();

    public Task<IReadOnlyList<ChainRow>> ReadChainsAsync(string? deviceId, ChainPosition? after, int limit, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<ChainRow>>(
            session =>
            {
                using var query = session.Use(deviceId is null ? SelectChains : SelectChain);
                query.Bind(1, deviceId ?? after?.DeviceId ?? "").Bind(2, after?.Sequence ?? long.MinValue).Bind(3, limit);
                var rows = new List<ChainRow>();
                while (query.Step())
                {
                    var head = query.IsNull(11) ? null : new ChainHead(query.Int64(11), query.Blob(12), query.Blob(13));
                    rows.Add(new ChainRow(SqliteLogRow.Read(query), head));
                }

                return rows;
            },
            ct).AsTask();

    public Task<IReadOnlyList<string>> FindVanishedAsync(string? deviceId, string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<string>>(
            session =>
            {
                using var query = session.Use(SelectVanished);
                query.Bind(1, afterDeviceId ?? "").Bind(2, deviceId).Bind(3, limit);
                var vanished = new List<string>();
                while (query.Step())
                {
                    vanished.Add(query.Text(0));
                }

                return vanished;
            },
            ct).AsTask();

    /// <summary>The log only grows, so the several statements need no common snapshot.</summary>
    private static Page<AuditEntry> Merge(SqliteSession session, string owner, AuditFilter filter, long beforeId, int limit)
    {
        var search = new SqliteLogSearch(session, filter, limit);
        var heads = FindHeads(session, owner, filter.DeviceId, beforeId);
        while (heads.TryDequeue(out var view, out var negated) && search.Offer(ReadEntry(session, -negated)))
        {
            using var next = session.Use(SelectNext);
            next.Bind(1, view.DeviceId).Bind(2, -negated).Bind(3, view.From).Step();
            if (!next.IsNull(0))
            {
                heads.Enqueue(view, -next.Int64(0));
            }
        }

        return search.Page();
    }

    /// <summary>By their newest entries, negated: the queue gives the least first.</summary>
    private static PriorityQueue<LogView, long> FindHeads(SqliteSession session, string owner, string? deviceId, long beforeId)
    {
        var heads = new PriorityQueue<LogView, long>();
        using var query = session.Use(SelectHeads);
        query.Bind(1, owner).Bind(2, beforeId).Bind(3, deviceId);
        while (query.Step())
        {
            // Asked for here: in the statement's WHERE it would be looked up a second time for every lock.
            if (query.IsNull(2))
            {
                continue;
            }

            heads.Enqueue(new LogView(query.Text(0), query.Int64(1)), -query.Int64(2));
        }

        return heads;
    }

    private static ChainedEntry ReadEntry(SqliteSession session, long id)
    {
        using var query = session.Use(SelectEntry);
        query.Bind(1, id).Step();
        return SqliteLogRow.Read(query);
    }

    /// <summary>Along the index that leaves least to look at.</summary>
    private static Page<AuditEntry> Walk(SqliteSession session, AuditFilter filter, long beforeId, int limit)
    {
        var search = new SqliteLogSearch(session, filter, limit);
        var (sql, key) = (filter.DeviceId, search.Actor) switch
        {
            ({ } deviceId, _) => (SelectOfDevice, deviceId),
            (_, { } actor) => (SelectOfActor, actor),
            _ => (SelectAll, null),
        };
        using var query = session.Use(sql);
        query.Bind(1, beforeId);
        if (key is not null)
        {
            query.Bind(2, key);
        }

        while (query.Step() && search.Offer(SqliteLogRow.Read(query)))
        {
            // Until it has enough, or has looked at enough.
        }

        return search.Page();
    }

    /// <param name="From">The first entry of it that the lock's owner may see.</param>
    private readonly record struct LogView(string DeviceId, long From);
}
