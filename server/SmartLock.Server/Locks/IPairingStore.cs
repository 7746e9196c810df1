using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

/// <summary>A device that the operator prepared and that waits for its owner.</summary>
/// <param name="WrongCodes">How often it was claimed with a wrong code; for the operator to know.</param>
internal sealed record Pairing(string DeviceId, bool Unsigned, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, int WrongCodes);

/// <param name="CodeHash">SHA-256 of the claim code; the code itself is shown once and kept nowhere.</param>
internal sealed record NewPairing(
    string DeviceId,
    byte[] ProtectedKey,
    bool Unsigned,
    byte[] CodeHash,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt);

internal enum AddDeviceOutcome
{
    Added,

    /// <summary>A lock has it, or a device that can still be claimed.</summary>
    DeviceIdTaken,

    /// <summary>No such account, or it is disabled.</summary>
    UserNotFound,

    /// <summary>The owner has as many as one may have.</summary>
    TooManyLocks,
}

/// <param name="Lock">Set when it was added for an owner.</param>
internal sealed record AddDeviceResult(AddDeviceOutcome Outcome, Lock? Lock = null);

internal enum ClaimOutcome
{
    Claimed,

    /// <summary>No such device waits, its time is over, or the code is wrong: the asker is not told which.</summary>
    Refused,

    /// <summary>The code is right, but the account has as many locks as one may have.</summary>
    TooManyLocks,
}

internal sealed record ClaimResult(ClaimOutcome Outcome, Lock? Lock = null);

/// <summary>Every change is written together with its log entry, or neither; durably.</summary>
internal interface IPairingStore
{
    /// <summary>Takes the place of one that has expired.</summary>
    /// <param name="actor">Who prepared it.</param>
    Task<AddDeviceOutcome> AddAsync(NewPairing pairing, string actor, CancellationToken ct);

    /// <summary>Makes the device a lock of <see cref="NewLock.Owner"/>'s at once; the account is looked for without case.</summary>
    Task<AddDeviceResult> AddOwnedAsync(NewLock newLock, int maxPerOwner, string actor, CancellationToken ct);

    /// <summary>Ordered by device id, beginning after <paramref name="afterDeviceId"/>.</summary>
    Task<Page<Pairing>> ListAsync(string? afterDeviceId, int limit, CancellationToken ct);

    /// <returns>False when no such device waited.</returns>
    Task<bool> RemoveAsync(LockChange change, CancellationToken ct);

    /// <summary>
    /// Of many who claim at once with the right code one gets the lock. Every refusal but TooManyLocks costs the same write and leaves the
    /// same kind of log entry (or none of them does, <see cref="LockChange.RecordsRefusal"/>), so that neither answer nor timing tells why; a wrong
    /// code is counted, for the device and for the account.
    /// </summary>
    Task<ClaimResult> ClaimAsync(LockChange change, string name, byte[] codeHash, int maxPerOwner, CancellationToken ct);
}
