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
        SELECT device_id, log_from, (SELECT max(id) FROM logs WHERE logs.device_id = locks.device_id AND id < @beforeId AND id >= log_from) AS head
        FROM locks WHERE owner = @owner AND (@DeviceId IS NULL OR device_id = @DeviceId)
        """;

    private const string SelectNext = "SELECT max(id) FROM logs WHERE device_id = @DeviceId AND id < @Head AND id >= @LogFrom";

    /// <summary>A <see cref="ChainedEntry"/>.</summary>
    private const string Columns = "logs.*, logs.seq AS sequence";

    private const string SelectEntry = $"SELECT {Columns} FROM logs WHERE id = @id";

    private const string SelectAll = $"SELECT {Columns} FROM logs WHERE id < @beforeId ORDER BY id DESC";

    private const string SelectOfDevice =
        $"SELECT {Columns} FROM logs WHERE id < @beforeId AND device_id = @DeviceId ORDER BY id DESC";

    private const string SelectOfActor = $"SELECT {Columns} FROM logs WHERE id < @beforeId AND actor = @Actor ORDER BY id DESC";

    private const string WithHeads = $"""
        SELECT {Columns}, h.head_seq, h.head_hash, h.seal FROM logs
        LEFT JOIN (SELECT device_id AS head_of, seq AS head_seq, hash AS head_hash, seal FROM log_heads) AS h ON h.head_of = logs.device_id
        """;

    private const string SelectChains = $"{WithHeads} WHERE (device_id, seq) > (@deviceId, @sequence) ORDER BY device_id, seq LIMIT @limit";

    private const string SelectChain = $"{WithHeads} WHERE device_id = @deviceId AND seq > @sequence ORDER BY seq LIMIT @limit";

    private const string SelectVanished = $"""
        SELECT device_id FROM (
            SELECT device_id FROM log_heads UNION SELECT device_id FROM locks UNION SELECT '{AuditSubjects.Accounts}' WHERE EXISTS (SELECT 1 FROM users)
        ) AS known
        WHERE device_id > @after AND (@deviceId IS NULL OR device_id = @deviceId)
        AND NOT EXISTS (SELECT 1 FROM logs WHERE logs.device_id = known.device_id) ORDER BY device_id LIMIT @limit
        """;

    public Task<Page<AuditEntry>> ListAsync(string owner, AuditFilter filter, long? beforeId, int limit, CancellationToken ct) =>
        database.ReadAsync(session => Merge(session, owner, filter, beforeId ?? long.MaxValue, limit), ct).AsTask();

    public Task<Page<AuditEntry>> ListAllAsync(AuditFilter filter, long? beforeId, int limit, CancellationToken ct) =>
        database.ReadAsync(session => Walk(session, filter, beforeId ?? long.MaxValue, limit), ct).AsTask();

    public Task<IReadOnlyList<ChainRow>> ReadChainsAsync(string? deviceId, ChainPosition? after, int limit, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<ChainRow>>(
            session =>
            {
                using var rows = session.Prepare(deviceId is null ? SelectChains : SelectChain)
                    .Set("@deviceId", deviceId ?? after?.DeviceId ?? "")
                    .Set("@sequence", after?.Sequence ?? long.MinValue)
                    .Set("@limit", limit)
                    .Read();
                return SqliteChainRows.ReadAll(rows);
            },
            ct).AsTask();

    public Task<IReadOnlyList<string>> FindVanishedAsync(string? deviceId, string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<string>>(
            session => session.Query<string>(SelectVanished, new { after = afterDeviceId ?? "", deviceId, limit }),
            ct).AsTask();

    public Task<IReadOnlyList<AccountBinding>> ReadAccountsAsync(string? afterId, int limit, CancellationToken ct) =>
        database.ReadAsync(session => SqliteLogNames.ReadAccounts(session, afterId ?? "", limit), ct).AsTask();

    /// <summary>The log only grows, so the several statements need no common snapshot.</summary>
    private static Page<AuditEntry> Merge(SqliteSession session, string owner, AuditFilter filter, long beforeId, int limit)
    {
        var search = new SqliteLogSearch(session, filter, limit);
        var heads = FindHeads(session, owner, filter.DeviceId, beforeId);
        while (heads.TryDequeue(out var view, out _) && search.Offer(session.Find<ChainedEntry>(SelectEntry, new { id = view.Head!.Value })!))
        {
            Enqueue(heads, view with { Head = session.Scalar<long?>(SelectNext, view) });
        }

        return search.Page();
    }

    private static PriorityQueue<LogView, long> FindHeads(SqliteSession session, string owner, string? deviceId, long beforeId)
    {
        var heads = new PriorityQueue<LogView, long>();
        foreach (var view in session.Query<LogView>(SelectHeads, new { owner, beforeId, DeviceId = deviceId }))
        {
            Enqueue(heads, view);
        }

        return heads;
    }

    /// <summary>By their newest entries, negated: the queue gives the least first. A log without one is left out.</summary>
    private static void Enqueue(PriorityQueue<LogView, long> heads, LogView view)
    {
        // Asked for here: in the statement's WHERE it would be looked up a second time for every lock.
        if (view.Head is { } head)
        {
            heads.Enqueue(view, -head);
        }
    }

    /// <summary>Along the index that leaves least to look at.</summary>
    private static Page<AuditEntry> Walk(SqliteSession session, AuditFilter filter, long beforeId, int limit)
    {
        var search = new SqliteLogSearch(session, filter, limit);
        var sql = (filter.DeviceId, search.Actor) switch
        {
            ({ }, _) => SelectOfDevice,
            (_, { }) => SelectOfActor,
            _ => SelectAll,
        };
        foreach (var entry in session.Stream<ChainedEntry>(sql, new { beforeId, filter.DeviceId, search.Actor }))
        {
            if (!search.Offer(entry))
            {
                break;
            }
        }

        return search.Page();
    }

    /// <param name="LogFrom">The first entry of it that the lock's owner may see.</param>
    /// <param name="Head">The newest entry that has not been looked at.</param>
    private sealed record LogView(string DeviceId, long LogFrom, long? Head);
}
