using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>What reports and losses do to a lock's row.</summary>
internal static class SqliteReports
{
    private const string SetMeasured = """
        UPDATE locks SET connected_at = CASE @ConnectedAt WHEN 0 THEN connected_at ELSE @ConnectedAt END,
            own_topics = ifnull(@OwnTopics, own_topics), firmware = ifnull(@Firmware, firmware),
            rssi = @Rssi, battery_mv = @BatteryMv, uptime_s = @UptimeS, boot = @Boot
        """;

    private const string SaysTheSame = """
        device_id = @DeviceId AND key_from = @KeyFrom AND state = 'Available' AND status = @Status AND issue IS @Issue
        """;

    /// <summary>
    /// Nearly every report is of a lock that is Available already and says what the last one said, and takes this one statement. It does what
    /// <see cref="ReportRules.Take"/> would have done: which decides on every report that this does not match.
    /// </summary>
    private static readonly string Confirm = $"""
        {SetMeasured}, last_seen = @ReceivedAt, sent_at = max(sent_at, @SentAt)
        WHERE {SaysTheSame} AND (last_seen <= @ReceivedAt OR last_seen > @ReceivedAt + {ReportRules.MaxSkewMs})
        """;

    /// <summary>The same for a report that nothing but its signature speaks for.</summary>
    private static readonly string ConfirmSigned = $"""
        {SetMeasured}, last_seen = CASE WHEN last_seen > @ReceivedAt AND last_seen <= @ReceivedAt + {ReportRules.MaxSkewMs} THEN last_seen ELSE @ReceivedAt END,
            sent_at = @SentAt
        WHERE {SaysTheSame} AND sent_at < @SentAt
        """;

    private const string Select = "SELECT * FROM locks WHERE device_id = @DeviceId";

    private const string Update = """
        UPDATE locks SET status = @Status, state = @State, issue = @Issue, last_seen = @LastSeen, sent_at = @SentAt, connected_at = @ConnectedAt,
            own_topics = @OwnTopics, firmware = @Firmware, rssi = @Rssi, battery_mv = @BatteryMv, uptime_s = @UptimeS, lost_at = @LostAt, boot = @Boot
        WHERE device_id = @DeviceId
        """;

    public static ReportOutcome Apply(SqliteSession session, DeviceReport report)
    {
        if (IsConfirmed(session, report))
        {
            return ReportOutcome.Confirmed;
        }

        var decision = ReportRules.Take(Find(session, report.DeviceId), report);
        if (decision.Lock is { } taken)
        {
            Write(session, taken);
        }

        session.AppendIfAny(decision.Entry);
        return decision.Outcome;
    }

    /// <returns>Whether the loss counts.</returns>
    public static bool Apply(SqliteSession session, ConnectionLoss loss)
    {
        if (ReportRules.Lose(Find(session, loss.DeviceId), loss) is not { } lost)
        {
            return false;
        }

        Write(session, lost.Lock);
        session.Append(lost.Entry);
        return true;
    }

    private static bool IsConfirmed(SqliteSession session, DeviceReport report) =>
        session.Prepare(report.BySignature ? ConfirmSigned : Confirm)
            .Set("@DeviceId", report.DeviceId)
            .Set("@KeyFrom", report.KeyFrom)
            .Set("@Status", NameOf(report.Status))
            .Set("@Issue", report.Issue)
            .Set("@ReceivedAt", report.ReceivedAt.ToUnixTimeMilliseconds())
            .Set("@SentAt", report.SentAt)
            .Set("@ConnectedAt", report.ConnectedAt)
            .Set("@OwnTopics", report.OwnTopics)
            .Set("@Firmware", report.Firmware)
            .Set("@Rssi", report.Rssi)
            .Set("@BatteryMv", report.BatteryMv)
            .Set("@UptimeS", report.UptimeS)
            .Set("@Boot", report.Boot)
            .Run() == 1;

    private static ReportedLock? Find(SqliteSession session, string deviceId) =>
        session.Prepare(Select).Set("@DeviceId", deviceId).Find<ReportedLock>();

    private static void Write(SqliteSession session, ReportedLock reported) =>
        session.Prepare(Update)
            .Set("@DeviceId", reported.DeviceId)
            .Set("@Status", NameOf(reported.Status))
            .Set("@State", reported.State.ToString())
            .Set("@Issue", reported.Issue)
            .Set("@LastSeen", reported.LastSeen?.ToUnixTimeMilliseconds())
            .Set("@SentAt", reported.SentAt)
            .Set("@ConnectedAt", reported.ConnectedAt)
            .Set("@OwnTopics", reported.OwnTopics)
            .Set("@Firmware", reported.Firmware)
            .Set("@Rssi", reported.Rssi)
            .Set("@BatteryMv", reported.BatteryMv)
            .Set("@UptimeS", reported.UptimeS)
            .Set("@Boot", reported.Boot)
            .Set("@LostAt", reported.LostAt?.ToUnixTimeMilliseconds())
            .Run();

    /// <summary>Without the look-up that ToString makes for every heartbeat.</summary>
    private static string NameOf(LockStatus status) => status switch
    {
        LockStatus.Unknown => nameof(LockStatus.Unknown),
        LockStatus.Locked => nameof(LockStatus.Locked),
        LockStatus.Unlocked => nameof(LockStatus.Unlocked),
    };
}
