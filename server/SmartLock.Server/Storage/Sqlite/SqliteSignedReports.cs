using SmartLock.Server.Heartbeats;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// What a report does that nothing but its signature speaks for: by when the device sent it, since another replica may have heard it, or
/// a later one, before.
/// </summary>
internal static class SqliteSignedReports
{
    private const string Guard = "device_id = ?1 AND key_from = ?12 AND sent_at < ?5";

    // Two replicas' clocks differ, up to 5 s. A last_seen further ahead was written before the clock was set back.
    private const string Set = """
        UPDATE locks SET last_seen = CASE WHEN last_seen > ?2 AND last_seen <= ?2 + 5000 THEN last_seen ELSE ?2 END,
            sent_at = ?5,
            connected_at = CASE ?6 WHEN 0 THEN connected_at ELSE ?6 END,
            own_topics = ifnull(?7, own_topics), firmware = ifnull(?8, firmware), rssi = ?9, battery_mv = ?10, uptime_s = ?11
        """;

    private const string Confirm = $"{Set} WHERE {Guard} AND state = 'Available' AND status = ?3 AND issue IS ?4";

    private const string Update = $"{Set}, status = ?3, issue = ?4 WHERE {Guard} AND state = 'Available'";

    // Said before the connection was lost, stored after that: the last word on where the bolt is, but no sign of life. A device does not speak
    // again over a connection whose will was published, so for that one a replica's clock may be 5 s ahead.
    private const string Late = $"""
        {Set}, status = ?3 WHERE {Guard} AND state = 'Unavailable'
        AND (lost_at >= ?2 OR (?6 > 0 AND connected_at = ?6 AND lost_at + 5000 >= ?2))
        """;

    private const string Revive = $"{Set}, state = 'Available', status = ?3, issue = ?4 WHERE {Guard} AND state = 'Unavailable'";

    public static void Apply(
        SqliteSession session,
        DeviceReport report,
        List<string> changed,
        List<string> cameBack,
        List<DeviceReport> outdated,
        List<DeviceReport> replayed)
    {
        if (Run(session, Confirm, report))
        {
            return;
        }

        if (Run(session, Update, report) || Run(session, Late, report))
        {
            changed.Add(report.DeviceId);
        }
        else if (Run(session, Revive, report))
        {
            session.AppendAvailable(report.DeviceId, report.HeardAt);
            cameBack.Add(report.DeviceId);
        }
        else
        {
            (SqliteReports.HasKey(session, report) ? replayed : outdated).Add(report);
        }
    }

    private static bool Run(SqliteSession session, string sql, DeviceReport report)
    {
        using var statement = session.Use(sql);
        return SqliteReports.Write(statement, report);
    }
}
