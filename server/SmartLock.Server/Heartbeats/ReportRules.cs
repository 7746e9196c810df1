using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Heartbeats;

/// <summary>A lock with what decides whether its device's reports count.</summary>
internal record ReportedLock : Lock
{
    /// <summary>The device's own time of its last report, Unix milliseconds; 0 before the first.</summary>
    public long SentAt { get; init; }

    /// <summary>The device's own time of its present connection, Unix milliseconds; 0 before the first.</summary>
    public long ConnectedAt { get; init; }

    /// <summary>The device said <c>"topics":"own"</c>.</summary>
    public bool OwnTopics { get; init; }

    /// <summary>Of the last believed status; null when it named none.</summary>
    public string? Boot { get; init; }

    /// <summary>When the connection was last found lost, server's time (UTC).</summary>
    public DateTimeOffset? LostAt { get; init; }

    /// <summary>As <see cref="Messaging.DeviceRecord.KeyFrom"/>.</summary>
    public long KeyFrom { get; init; }
}

internal enum ReportOutcome
{
    /// <summary>It says what the last one said: only times and measurements are stored.</summary>
    Confirmed,

    /// <summary>The lock's status or issue is another now.</summary>
    Changed,

    /// <summary>The lock was Unavailable before.</summary>
    CameBack,

    /// <summary>A later report was stored before. Nothing is stored.</summary>
    Overtaken,

    /// <summary>It counts for its signature alone and is not newer than what is stored. Nothing is stored.</summary>
    Replayed,

    /// <summary>The lock is gone, or has another key by now. Nothing is stored.</summary>
    Outdated,
}

/// <param name="Lock">As it is to be stored; null when nothing is.</param>
/// <param name="Entry">To be written in the same transaction; null when there is none.</param>
internal sealed record ReportDecision(ReportOutcome Outcome, ReportedLock? Lock = null, NewAuditEntry? Entry = null);

/// <param name="Lock">As it is to be stored.</param>
/// <param name="Entry">To be written in the same transaction.</param>
internal sealed record LossDecision(ReportedLock Lock, NewAuditEntry Entry);

/// <summary>What reports, lost connections and silence make of a lock. Pure.</summary>
internal static class ReportRules
{
    /// <summary>
    /// How far the clocks of two replicas may differ. A time of the server's further ahead than that was written before the clock was set back:
    /// held to it, no report would count until that time comes.
    /// </summary>
    public const long MaxSkewMs = 5_000;

    public static readonly TimeSpan MaxSkew = TimeSpan.FromMilliseconds(MaxSkewMs);

    /// <param name="stored">Null when there is no such lock.</param>
    public static ReportDecision Take(ReportedLock? stored, DeviceReport report)
    {
        if (stored is null || stored.KeyFrom != report.KeyFrom)
        {
            return new ReportDecision(ReportOutcome.Outdated);
        }

        if (report.BySignature)
        {
            return report.SentAt <= stored.SentAt ? new ReportDecision(ReportOutcome.Replayed) : TakeSigned(stored, report);
        }

        return IsLater(stored.LastSeen, report.ReceivedAt) ? new ReportDecision(ReportOutcome.Overtaken) : TakeAsNewest(stored, report, report.ReceivedAt);
    }

    /// <summary>Null when the loss does not count: the device has another connection or key by now, has reported after it, or is Unavailable already.</summary>
    public static LossDecision? Lose(ReportedLock? stored, ConnectionLoss loss) =>
        stored is { State: LockState.Available, LastSeen: { } seen }
        && stored.KeyFrom == loss.KeyFrom
        && stored.ConnectedAt == loss.ConnectedAt
        && seen <= loss.ReceivedAt
            ? new LossDecision(
                stored with { State = LockState.Unavailable, Issue = LockIssues.ConnectionLost, LostAt = loss.ReceivedAt },
                Unavailable(loss.DeviceId, LockIssues.ConnectionLost, loss.ReceivedAt))
            : null;

    public static NewAuditEntry Silent(string deviceId, DateTimeOffset now) => Unavailable(deviceId, LockIssues.NoHeartbeat, now);

    /// <summary>Goes by when the device sent it, since another replica may have received it, or a later one, before.</summary>
    private static ReportDecision TakeSigned(ReportedLock stored, DeviceReport report)
    {
        var lastSeen = IsLater(stored.LastSeen, report.ReceivedAt) ? stored.LastSeen!.Value : report.ReceivedAt;
        return stored.State is LockState.Unavailable && IsFromBeforeLoss(stored, report)
            ? new ReportDecision(ReportOutcome.Changed, Measured(stored, report, lastSeen) with { Status = report.Status })
            : TakeAsNewest(stored, report, lastSeen);
    }

    /// <summary>
    /// Said before the connection was lost, stored after that: the last word on where the bolt is, but no sign of life. A device does not speak
    /// again over a connection whose will was published, so for that one a replica's clock may be ahead.
    /// </summary>
    private static bool IsFromBeforeLoss(ReportedLock stored, DeviceReport report) =>
        stored.LostAt is { } lostAt
        && (lostAt >= report.ReceivedAt
            || (report.ConnectedAt > 0 && stored.ConnectedAt == report.ConnectedAt && lostAt + MaxSkew >= report.ReceivedAt));

    private static ReportDecision TakeAsNewest(ReportedLock stored, DeviceReport report, DateTimeOffset lastSeen)
    {
        var reported = Measured(stored, report, lastSeen) with { State = LockState.Available, Status = report.Status, Issue = report.Issue };
        if (stored.State is LockState.Unavailable)
        {
            var entry = new NewAuditEntry(
                report.ReceivedAt, report.DeviceId, AuditActors.Device(report.DeviceId), AuditActions.Connectivity, AuditResults.Available);
            return new ReportDecision(ReportOutcome.CameBack, reported, entry);
        }

        var isNews = stored.Status != report.Status || stored.Issue != report.Issue;
        return new ReportDecision(isNews ? ReportOutcome.Changed : ReportOutcome.Confirmed, reported);
    }

    private static ReportedLock Measured(ReportedLock stored, DeviceReport report, DateTimeOffset lastSeen) => stored with
    {
        LastSeen = lastSeen,
        SentAt = Math.Max(stored.SentAt, report.SentAt),
        ConnectedAt = report.ConnectedAt == 0 ? stored.ConnectedAt : report.ConnectedAt,
        Boot = report.Boot,
        OwnTopics = report.OwnTopics ?? stored.OwnTopics,
        Firmware = report.Firmware ?? stored.Firmware,
        Rssi = report.Rssi,
        BatteryMv = report.BatteryMv,
        UptimeS = report.UptimeS,
    };

    private static bool IsLater(DateTimeOffset? lastSeen, DateTimeOffset receivedAt) => lastSeen > receivedAt && lastSeen <= receivedAt + MaxSkew;

    private static NewAuditEntry Unavailable(string deviceId, string issue, DateTimeOffset time) =>
        new(time, deviceId, AuditActors.System, AuditActions.Connectivity, AuditResults.Unavailable(issue), Issue: issue);
}
