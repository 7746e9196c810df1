using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteDeviceStore(SqliteDatabase database) : IDeviceStore
{
    private const string Select = "SELECT * FROM locks JOIN device_keys USING (device_id) WHERE device_id = @deviceId";

    private const string Silence = """
        UPDATE locks SET state = 'Unavailable', issue = @issue WHERE device_id IN
        (SELECT device_id FROM (SELECT device_id FROM locks WHERE state = 'Available' AND last_seen < @reportedBefore ORDER BY last_seen LIMIT @limit)
        UNION ALL
        SELECT device_id FROM (SELECT device_id FROM locks WHERE state = 'Available' AND last_seen > @farthest ORDER BY last_seen LIMIT @limit)
        LIMIT @limit)
        RETURNING device_id
        """;

    public Task<DeviceRecord?> FindAsync(string deviceId, CancellationToken ct) =>
        database.ReadAsync(session => session.Find<DeviceRecord>(Select, new { deviceId }), ct).AsTask();

    /// <summary>Relaxed: the devices say it all again within seconds.</summary>
    public Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct) =>
        database.WriteAsync(Durability.Relaxed, session => Apply(session, batch), ct);

    public Task<IReadOnlyList<string>> MarkOfflineAsync(
        DateTimeOffset reportedBefore,
        DateTimeOffset now,
        int limit,
        CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<string>>(
            Durability.Relaxed,
            session =>
            {
                var silent = session.Query<string>(Silence, new { reportedBefore, farthest = now + ReportRules.MaxSkew, limit, issue = LockIssues.NoHeartbeat });
                silent.ForEach(deviceId => session.Append(ReportRules.Silent(deviceId, now)));
                return silent;
            },
            ct);

    private static DeviceBatchResult Apply(SqliteSession session, DeviceBatch batch)
    {
        var outcomes = batch.Reports.Select(report => (Report: report, Outcome: SqliteReports.Apply(session, report)))
            .Where(taken => taken.Outcome is not (ReportOutcome.Confirmed or ReportOutcome.Overtaken))
            .ToLookup(taken => taken.Outcome, taken => taken.Report);
        List<string> wentAway = [.. batch.Losses.Where(loss => SqliteReports.Apply(session, loss)).Select(loss => loss.DeviceId)];
        var decided = new List<Command>();
        foreach (var verdict in batch.Verdicts)
        {
            SqliteCommandEnds.Apply(session, verdict, decided);
        }

        foreach (var report in batch.Reports)
        {
            SqliteCommandEnds.Apply(session, report, decided);
        }

        return new DeviceBatchResult(
            [.. outcomes[ReportOutcome.Changed].Select(report => report.DeviceId)],
            [.. outcomes[ReportOutcome.CameBack].Select(report => report.DeviceId)],
            wentAway,
            decided,
            [.. outcomes[ReportOutcome.Outdated]])
        {
            Replayed = [.. outcomes[ReportOutcome.Replayed]],
        };
    }
}
