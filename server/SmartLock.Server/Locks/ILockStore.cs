using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

internal enum RegisterLockOutcome
{
    Registered,
    DeviceIdTaken,

    /// <summary>The owner has as many as one may have.</summary>
    TooManyLocks,
}

/// <param name="ProtectedKey">The device's key, encrypted (see DeviceKeys).</param>
internal sealed record NewLock(string DeviceId, string Name, string Owner, byte[] ProtectedKey, bool Unsigned, DateTimeOffset CreatedAt);

/// <summary>Every read and write names the owner in the query itself: a foreign id and a missing id look the same.</summary>
internal interface ILockStore
{
    /// <summary>
    /// Writes the lock (Unknown, Unavailable, "No heartbeat") and its log entry together, or neither; durably. Two registrations at
    /// once cannot pass <paramref name="maxPerOwner"/> together.
    /// </summary>
    Task<RegisterLockOutcome> RegisterAsync(NewLock newLock, int maxPerOwner, NewAuditEntry entry, CancellationToken ct);

    Task<Lock?> FindAsync(string deviceId, string owner, CancellationToken ct);

    /// <summary>Ordered by device id, beginning after <paramref name="afterDeviceId"/>.</summary>
    Task<Page<Lock>> ListAsync(string owner, string? afterDeviceId, int limit, CancellationToken ct);
}
