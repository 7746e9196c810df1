using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

internal enum RegisterLockOutcome
{
    Registered,

    /// <summary>A lock has it, or a device that waits to be claimed.</summary>
    DeviceIdTaken,

    /// <summary>The owner has as many as one may have.</summary>
    TooManyLocks,
}

internal enum ChangeLockOutcome
{
    Changed,

    /// <summary>No such lock, or one that the actor may not know of.</summary>
    NotFound,

    /// <summary>It is shared with the actor, and this is for its owner only.</summary>
    NotOwner,
}

/// <param name="Lock">As it is now; set when changed.</param>
internal sealed record ReplaceKeyResult(ChangeLockOutcome Outcome, Lock? Lock = null);

/// <param name="ProtectedKey">The device's key, encrypted (see DeviceKeys).</param>
internal sealed record NewLock(string DeviceId, string Name, string Owner, byte[] ProtectedKey, bool Unsigned, DateTimeOffset CreatedAt)
{
    /// <summary>Unknown and Unavailable until its device is reported.</summary>
    public Lock ToLock() => new()
    {
        DeviceId = DeviceId,
        Name = Name,
        Owner = Owner,
        Issue = LockIssues.NoHeartbeat,
        Unsigned = Unsigned,
        CreatedAt = CreatedAt,
    };
}

/// <summary>Who wants to change a lock, and when (UTC): its log entry says so, and a share must hold then.</summary>
internal sealed record LockChange(string DeviceId, string Actor, DateTimeOffset Now)
{
    /// <summary>Whether a claim that is refused goes on the record; see <see cref="RefusalRecords"/>.</summary>
    public bool RecordsRefusal { get; init; } = true;
}

/// <summary>A lock's way from Available to Unavailable, or back.</summary>
/// <param name="Issue">Why it became Unavailable; null when it became Available.</param>
internal sealed record StateChange(DateTimeOffset Time, string? Issue);

/// <param name="Changes">Newest first.</param>
internal sealed record LockHistory(VisibleLock Visible, IReadOnlyList<StateChange> Changes);

/// <summary>
/// Every read and write names the account in the query itself: a foreign id and a missing id look the same. An account sees its own locks,
/// and those shared with it at that moment. Every change is written together with its log entry, or neither; durably.
/// </summary>
internal interface ILockStore
{
    /// <summary>
    /// Writes the lock (Unknown, Unavailable, "No heartbeat"); its log begins with <paramref name="entry"/> for its owner. Two registrations
    /// at once cannot pass <paramref name="maxPerOwner"/> together.
    /// </summary>
    Task<RegisterLockOutcome> RegisterAsync(NewLock newLock, int maxPerOwner, NewAuditEntry entry, CancellationToken ct);

    Task<VisibleLock?> FindAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct);

    /// <summary>Ordered by device id, beginning after <paramref name="afterDeviceId"/>.</summary>
    Task<Page<VisibleLock>> ListAsync(string username, DateTimeOffset now, string? afterDeviceId, int limit, CancellationToken ct);

    /// <summary>
    /// The lock and its changes of state since <paramref name="since"/>, with the last one before; only what its present owner may see in the
    /// log, and at most <paramref name="limit"/>, the newest.
    /// </summary>
    Task<LockHistory?> FindHistoryAsync(string deviceId, string username, DateTimeOffset now, DateTimeOffset since, int limit, CancellationToken ct);

    Task<ChangeLockOutcome> EditAsync(LockChange change, LockEdit edit, CancellationToken ct);

    /// <summary>
    /// Deletes, for <see cref="RemoveAsync"/>, up to <paramref name="limit"/> of the lock's commands that ended and were issued before
    /// <paramref name="issuedBefore"/>: a lock in use for years has so many that all in one transaction would hold up everybody.
    /// </summary>
    /// <returns>How many; 0 for who may not remove the lock.</returns>
    Task<int> ForgetCommandsAsync(LockChange change, DateTimeOffset issuedBefore, int limit, CancellationToken ct);

    /// <summary>
    /// With all that belongs to it: its key, its shares, its commands, the webhooks that are about it alone and every delivery about it. Its log stays.
    /// </summary>
    Task<ChangeLockOutcome> RemoveAsync(LockChange change, CancellationToken ct);

    /// <param name="endUnsigned">Makes an unsigned lock one like all others.</param>
    Task<ReplaceKeyResult> ReplaceKeyAsync(LockChange change, byte[] protectedKey, bool endUnsigned, CancellationToken ct);
}
