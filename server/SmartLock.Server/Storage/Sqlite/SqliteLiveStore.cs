using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteLiveStore(SqliteDatabase database) : ILiveStore
{
    // One statement per lock: its rows are of one moment. A lock without shares gives one row, without a sharer.
    private const string Select = $"""
        SELECT locks.*, shares.name_key AS sharer, shares.role, (SELECT time FROM logs WHERE logs.id = log_from) AS owned_since
        FROM locks LEFT JOIN shares ON shares.device_id = locks.device_id AND {SqliteAccess.HoldsNow}
        WHERE locks.device_id = @DeviceId
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
        var rows = session.Query<Row>(Select, new { DeviceId = deviceId, Now = now });
        if (rows is not [var first, ..])
        {
            return null;
        }

        // An owner needs no share, and would be told twice.
        var sharers = rows
            .Where(row => row.Sharer is not null && !row.Sharer.Equals(first.Owner, StringComparison.OrdinalIgnoreCase))
            .Select(row => new LiveViewer(row.Sharer!, row.Role is ShareRole.Operator ? LockAccess.Operator : LockAccess.Viewer));
        return new LiveLock(
            new LockEvent(deviceId, first.Status, first.State, first.Issue, first.LastSeen),
            [new LiveViewer(first.Owner, LockAccess.Owner), .. sharers],
            first.OwnedSince);
    }

    private sealed record Row : Lock
    {
        public string? Sharer { get; init; }

        public ShareRole? Role { get; init; }

        public DateTimeOffset? OwnedSince { get; init; }
    }
}
