using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

internal enum ReassignOutcome
{
    Reassigned,

    /// <summary>It is that account's already; nothing was changed.</summary>
    AlreadyOwner,
    LockNotFound,

    /// <summary>No such account, or it is disabled.</summary>
    UserNotFound,

    /// <summary>The new owner has as many as one may have.</summary>
    TooManyLocks,
}

/// <param name="Lock">As it is now; set when reassigned, or its owner's already.</param>
internal sealed record ReassignResult(ReassignOutcome Outcome, Lock? Lock = null);

/// <summary>Everybody's locks, for those who administer the server. Whoever calls this has checked that it is one of them.</summary>
internal interface ILockAdminStore
{
    /// <summary>Ordered by device id, beginning after <paramref name="afterDeviceId"/>.</summary>
    /// <param name="owner">Without case; null for all.</param>
    /// <param name="state">Null for all.</param>
    Task<Page<Lock>> ListAsync(string? owner, LockState? state, string? afterDeviceId, int limit, CancellationToken ct);

    /// <summary>
    /// Gives a lock to another account in one durable transaction: its shares end, its log begins anew for the new owner, and two entries
    /// tell from whom and to whom. From its commit on the old owner is a stranger.
    /// </summary>
    Task<ReassignResult> ReassignAsync(LockChange change, string owner, int maxPerOwner, CancellationToken ct);
}
