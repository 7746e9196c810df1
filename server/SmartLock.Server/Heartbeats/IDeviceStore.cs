using SmartLock.Server.Commands;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Heartbeats;

/// <summary>A believed status, ready to be stored.</summary>
/// <param name="ReceivedAt">
/// Server's time, UTC. A report never overwrites one that was received later, up to 5 s later: what lies further ahead was dated by a clock
/// that has been set back since.
/// </param>
/// <param name="SentAt">Unix milliseconds by the device's clock; 0 when it gave none. The stored value never falls.</param>
/// <param name="ConnectedAt">Likewise.</param>
/// <param name="OwnTopics">Null leaves the stored value, as it does for <paramref name="Firmware"/>. The measurements are taken as they come.</param>
/// <param name="KeyFrom">Of the key under which it was believed: if the lock has another by now, it counts for nothing.</param>
/// <param name="Unsigned">The device may be one that names no command: where its bolt is ends those that wanted it there.</param>
/// <param name="BySignature">
/// Believed for its signature alone, which anybody may repeat, and to another replica than the one that received it first: it counts only if
/// <paramref name="SentAt"/> is later than the stored one, and goes by that instead of <paramref name="ReceivedAt"/>.
/// </param>
/// <param name="Boot">Tells the device's present start from every other; null when it names none. Taken as it comes.</param>
internal sealed record DeviceReport(
    string DeviceId,
    DateTimeOffset ReceivedAt,
    LockStatus Status,
    string? Issue,
    long SentAt,
    long ConnectedAt,
    bool? OwnTopics,
    string? Firmware,
    int? Rssi,
    int? BatteryMv,
    long? UptimeS,
    long KeyFrom = 0,
    bool Unsigned = false,
    bool BySignature = false,
    string? Boot = null);

/// <summary>A device's verdict on a command.</summary>
/// <param name="KeyFrom">As <see cref="DeviceReport.KeyFrom"/>.</param>
internal sealed record Verdict(string DeviceId, string CommandId, string Result, DateTimeOffset ReceivedAt, long KeyFrom = 0);

/// <summary>A last will that was believed: the connection of <paramref name="ConnectedAt"/> is gone.</summary>
/// <param name="KeyFrom">As <see cref="DeviceReport.KeyFrom"/>.</param>
internal sealed record ConnectionLoss(string DeviceId, long ConnectedAt, DateTimeOffset ReceivedAt, long KeyFrom = 0);

/// <param name="Reports">At most one per device: the newest.</param>
/// <param name="Losses">
/// Applied after the reports, each only while the stored connected_at is still its own and no report was received after it.
/// </param>
internal sealed record DeviceBatch(
    IReadOnlyCollection<DeviceReport> Reports,
    IReadOnlyCollection<Verdict> Verdicts,
    IReadOnlyCollection<ConnectionLoss> Losses);

/// <param name="Changed">Devices that were Available before and whose status or issue is another now.</param>
/// <param name="CameBack">Devices that were Unavailable before.</param>
/// <param name="WentAway">Devices whose loss was applied.</param>
/// <param name="Decided">Commands that a verdict ended, as they are now.</param>
/// <param name="Outdated">Reports of locks that are gone, or have another key by now.</param>
internal sealed record DeviceBatchResult(
    IReadOnlyList<string> Changed,
    IReadOnlyList<string> CameBack,
    IReadOnlyList<string> WentAway,
    IReadOnlyList<Command> Decided,
    IReadOnlyList<DeviceReport> Outdated)
{
    /// <summary>Reports that count for their signature alone and are not newer than what is stored: another replica received them, or later ones.</summary>
    public IReadOnlyList<DeviceReport> Replayed { get; init; } = [];
}

internal interface IDeviceStore : IDeviceKeyStore
{
    /// <summary>
    /// Writes a batch in one transaction, all or nothing. A report makes its lock Available and takes the device's issue; the change from
    /// Unavailable, each loss and each verdict that ended a command get a log entry in the same transaction. A verdict counts
    /// for a command of that device that is Sent or Expired and has no verdict yet (devices repeat theirs in every heartbeat), and once more when it
    /// says that the bolt moved and the one before did not: <c>done</c> makes it Done, <c>expired</c> Expired, all else Failed. A report of an unsigned device makes Done what is still Sent, was
    /// issued before it, and wanted the bolt where it is. A verdict counts whether or not the report that it came with does: it is about one
    /// command and counts on its own, and of two statuses that overtake one another on their way to two replicas the earlier has one of its own.
    /// A report by signature that was received before the loss of its connection does not make the lock Available again, but where the bolt was is stored.
    /// Unknown devices and commands are passed over, and so is what was believed under a key that the lock has no more.
    /// </summary>
    Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct);

    /// <summary>
    /// Makes Unavailable ("No heartbeat", with a log entry each) the locks that are Available and last reported before
    /// <paramref name="reportedBefore"/>, at most <paramref name="limit"/>; its cost follows the number of these, not the number of locks.
    /// A last report dated further ahead of <paramref name="now"/> than <see cref="ReportRules.MaxSkew"/> counts as none: the clock was set back since.
    /// </summary>
    Task<IReadOnlyList<string>> MarkOfflineAsync(DateTimeOffset reportedBefore, DateTimeOffset now, int limit, CancellationToken ct);
}
