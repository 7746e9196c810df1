using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteDeviceStore(SqliteDatabase database) : IDeviceStore
{
    private const string Select = """
        SELECT protected_key, unsigned, sent_at, connected_at, key_from
        FROM locks JOIN device_keys USING (device_id) WHERE device_id = ?1
        """;

    private const string Silence = """
        UPDATE locks SET state = 'Unavailable', issue = ?3 WHERE device_id IN
        (SELECT device_id FROM locks WHERE state = 'Available' AND last_seen < ?1 ORDER BY last_seen LIMIT ?2)
        RETURNING device_id
        """;

    public Task<DeviceRecord?> FindAsync(string deviceId, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(Select);
                return query.Bind(1, deviceId).Step()
                    ? new DeviceRecord(deviceId, query.Blob(0), query.Bool(1), query.Int64(2), query.Int64(3), query.Int64(4))
                    : null;
            },
            ct).AsTask();

    /// <summary>Relaxed: the devices say it all again within seconds.</summary>
    public Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct) =>
        database.WriteAsync(Durability.Relaxed, session => Apply(session, batch), ct);

    public Task<IReadOnlyList<string>> MarkSilentAsync(
        DateTimeOffset heardBefore,
        DateTimeOffset now,
        int limit,
        CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<string>>(
            Durability.Relaxed,
            session =>
            {
                using var silence = session.Use(Silence);
                silence.Bind(1, heardBefore).Bind(2, limit).Bind(3, LockIssues.NoHeartbeat);
                var silent = new List<string>();
                while (silence.Step())
                {
                    silent.Add(silence.Text(0));
                }

                foreach (var deviceId in silent)
                {
                    session.AppendUnavailable(deviceId, LockIssues.NoHeartbeat, now);
                }

                return silent;
            },
            ct);

    private static DeviceBatchResult Apply(SqliteSession session, DeviceBatch batch)
    {
        var changed = new List<string>();
        var cameBack = new List<string>();
        var wentAway = new List<string>();
        var decided = new List<Command>();
        var outdated = new List<DeviceReport>();
        var replayed = new List<DeviceReport>();
        if (batch.Reports.Count > 0)
        {
            SqliteReports.Apply(session, batch.Reports, changed, cameBack, outdated, replayed);
        }

        foreach (var loss in batch.Losses)
        {
            SqliteReports.Apply(session, loss, wentAway);
        }

        foreach (var verdict in batch.Verdicts)
        {
            SqliteVerdicts.Apply(session, verdict, decided);
        }

        foreach (var report in batch.Reports)
        {
            SqliteVerdicts.Apply(session, report, decided);
        }

        return new DeviceBatchResult(changed, cameBack, wentAway, decided, outdated) { Replayed = replayed };
    }
}
