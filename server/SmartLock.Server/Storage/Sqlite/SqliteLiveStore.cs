using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteLiveStore(SqliteDatabase database) : ILiveStore
{
    // One statement per lock: its rows are of one moment. A lock without shares gives one row, without a sharer.
    private const string Select = $"""
        SELECT status, state, issue, last_seen, owner, shares.name_key, shares.role, (SELECT time FROM logs WHERE id = log_from)
        FROM locks LEFT JOIN shares ON shares.device_id = locks.device_id AND {SqliteAccess.HoldsNow}
        WHERE locks.device_id = ?1
        """;

    public Task<IReadOnlyDictionary<string, LiveLock>> FindAsync(IReadOnlyCollection<string> deviceIds, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyDictionary<string, LiveLock>>(
            session =>
            {
                var found = new Dictionary<string, LiveLock>(deviceIds.Count, StringComparer.Ordinal);
                foreach (var deviceId in deviceIds)
                {
                    if (Find(session, deviceId, now) is { } seen)
                    {
                        found.Add(deviceId, seen);
                    }
                }

                return found;
            },
            ct).AsTask();

    /// <summary>For stores that decide it within a transaction of their own.</summary>
    public static bool MaySee(SqliteSession session, string deviceId, string username, DateTimeOffset now) =>
        Find(session, deviceId, now) is { } seen && seen.IsSeenBy(username);

    private static LiveLock? Find(SqliteSession session, string deviceId, DateTimeOffset now)
    {
        using var query = session.Use(Select);
        query.Bind(1, deviceId).Bind(4, now);
        LockEvent? change = null;
        DateTimeOffset? ownedSince = null;
        var viewers = new List<LiveViewer>();
        while (query.Step())
        {
            if (change is null)
            {
                change = new LockEvent(deviceId, query.Enum<LockStatus>(0), query.Enum<LockState>(1), query.TextOrNull(2), query.TimeOrNull(3));
                ownedSince = query.TimeOrNull(7);
                viewers.Add(new LiveViewer(query.Text(4), LockAccess.Owner));
            }

            // An owner needs no share, and would be told twice.
            if (query.TextOrNull(5) is { } sharer && !sharer.Equals(viewers[0].Username, StringComparison.OrdinalIgnoreCase))
            {
                viewers.Add(new LiveViewer(sharer, query.Enum<LockAccess>(6)));
            }
        }

        return change is null ? null : new LiveLock(change, viewers, ownedSince);
    }
}
