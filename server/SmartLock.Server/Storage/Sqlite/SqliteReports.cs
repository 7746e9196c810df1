using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>What reports and losses do to a lock's row.</summary>
internal static class SqliteReports
{
    // What was believed under an earlier key, or of an earlier lock with this id, is not this lock's. Nor does a report overwrite a later
    // one. But a last_seen further ahead than two replicas' clocks differ (5 s) was written before this machine's clock was set back:
    // held to it, no report would count until that time comes.
    private const string Guard = "key_from = ?12 AND state = 'Available' AND (last_seen <= ?2 OR last_seen > ?2 + 5000)";

    private const string Set = """
        UPDATE locks SET last_seen = ?2,
            sent_at = max(sent_at, ?5),
            connected_at = CASE ?6 WHEN 0 THEN connected_at ELSE ?6 END,
            own_topics = ifnull(?7, own_topics), firmware = ifnull(?8, firmware), rssi = ?9, battery_mv = ?10, uptime_s = ?11
        """;

    private const string Confirm = $"{Set} WHERE device_id = ?1 AND status = ?3 AND issue IS ?4 AND {Guard}";

    private const string Update = $"{Set}, status = ?3, issue = ?4 WHERE device_id = ?1 AND {Guard}";

    private const string Revive = """
        UPDATE locks SET state = 'Available', last_seen = ?2
        WHERE device_id = ?1 AND key_from = ?3 AND state = 'Unavailable' AND (last_seen IS NULL OR last_seen <= ?2 OR last_seen > ?2 + 5000)
        """;

    private const string Lose = """
        UPDATE locks SET state = 'Unavailable', issue = ?4, lost_at = ?3
        WHERE device_id = ?1 AND key_from = ?5 AND connected_at = ?2 AND state = 'Available' AND last_seen <= ?3
        """;

    private const string SelectKey = "SELECT 1 FROM locks WHERE device_id = ?1 AND key_from = ?2";

    /// <summary>
    /// Nearly every report is of a lock that is Available already and says what the last one said: it takes one statement. One that
    /// finds no such lock brings news; or the lock is unknown, was overtaken, or comes back: then the state is turned first and
    /// the report written again.
    /// </summary>
    public static void Apply(
        SqliteSession session,
        IReadOnlyCollection<DeviceReport> reports,
        List<string> changed,
        List<string> cameBack,
        List<DeviceReport> outdated,
        List<DeviceReport> replayed)
    {
        using var confirm = session.Use(Confirm);
        using var update = session.Use(Update);
        foreach (var report in reports)
        {
            if (report.BySignature)
            {
                SqliteSignedReports.Apply(session, report, changed, cameBack, outdated, replayed);
                continue;
            }

            if (Write(confirm, report))
            {
                continue;
            }

            if (Write(update, report))
            {
                changed.Add(report.DeviceId);
                continue;
            }

            using var revive = session.Use(Revive);
            if (revive.Bind(1, report.DeviceId).Bind(2, report.HeardAt).Bind(3, report.KeyFrom).Run() == 0)
            {
                if (!HasKey(session, report))
                {
                    outdated.Add(report);
                }

                continue;
            }

            Write(update, report);
            session.AppendAvailable(report.DeviceId, report.HeardAt);
            cameBack.Add(report.DeviceId);
        }
    }

    public static void Apply(SqliteSession session, ConnectionLoss loss, List<string> wentAway)
    {
        using var lose = session.Use(Lose);
        lose.Bind(1, loss.DeviceId).Bind(2, loss.ConnectedAt).Bind(3, loss.HeardAt).Bind(4, LockIssues.ConnectionLost).Bind(5, loss.KeyFrom);
        if (lose.Run() == 1)
        {
            session.AppendUnavailable(loss.DeviceId, LockIssues.ConnectionLost, loss.HeardAt);
            wentAway.Add(loss.DeviceId);
        }
    }

    public static bool HasKey(SqliteSession session, DeviceReport report)
    {
        using var query = session.Use(SelectKey);
        return query.Bind(1, report.DeviceId).Bind(2, report.KeyFrom).Step();
    }

    public static bool Write(SqliteStatement statement, DeviceReport report) =>
        statement.Bind(1, report.DeviceId)
            .Bind(2, report.HeardAt)
            .Bind(3, report.Status.ToString())
            .Bind(4, report.Issue)
            .Bind(5, report.SentAt)
            .Bind(6, report.ConnectedAt)
            .Bind(7, report.OwnTopics is { } own ? own ? 1L : 0L : null)
            .Bind(8, report.Firmware)
            .Bind(9, report.Rssi)
            .Bind(10, report.BatteryMv)
            .Bind(11, report.UptimeS)
            .Bind(12, report.KeyFrom)
            .Run() == 1;
}
