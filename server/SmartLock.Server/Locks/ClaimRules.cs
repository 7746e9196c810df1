using System.Security.Cryptography;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Locks;

/// <summary>A device that waits for its owner, as it is stored.</summary>
internal sealed record WaitingDevice(Pairing Pairing, byte[] ProtectedKey, byte[] CodeHash);

/// <param name="Entry">To be written in the same transaction; null when nothing is changed.</param>
internal sealed record AddDeviceDecision(AddDeviceOutcome Outcome, NewAuditEntry? Entry = null);

/// <param name="Entry">To be written in the same transaction; null for TooManyLocks, and for a refusal that is not to be recorded.</param>
/// <param name="NewLock">Set when claimed.</param>
/// <param name="CountsAsWrong">One wrong code more, for the device and for the account.</param>
internal sealed record ClaimDecision(ClaimOutcome Outcome, NewAuditEntry? Entry, NewLock? NewLock = null, bool CountsAsWrong = false);

/// <summary>Which devices may wait for an owner, and who gets them. Pure.</summary>
internal static class ClaimRules
{
    // Compared with when nothing waits, so that the answer takes the same steps.
    private static readonly byte[] NobodysHash = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);

    /// <param name="isTaken">A lock has the device id, or a device that can still be claimed.</param>
    public static AddDeviceDecision Add(NewPairing pairing, string actor, bool isTaken) => isTaken
        ? new(AddDeviceOutcome.DeviceIdTaken)
        : new(
            AddDeviceOutcome.Added,
            new NewAuditEntry(pairing.CreatedAt, pairing.DeviceId, actor, AuditActions.DeviceAdded, AuditResults.Added));

    /// <param name="owner">The owner's name as the account has it; null when there is no such account that is enabled.</param>
    /// <param name="hasRoom">As <see cref="LockChangeRules.HasRoom"/> says of the owner.</param>
    /// <param name="isTaken">As for <see cref="Add"/>.</param>
    public static AddDeviceDecision AddOwned(NewLock newLock, string actor, string? owner, bool hasRoom, bool isTaken) => owner switch
    {
        null => new(AddDeviceOutcome.UserNotFound),
        _ when !hasRoom => new(AddDeviceOutcome.TooManyLocks),
        _ when isTaken => new(AddDeviceOutcome.DeviceIdTaken),
        _ => new(
            AddDeviceOutcome.Added,
            new NewAuditEntry(newLock.CreatedAt, newLock.DeviceId, actor, AuditActions.LockRegistered, AuditResults.Registered, Target: owner)),
    };

    public static NewAuditEntry Removed(LockChange change) => LockChangeRules.EntryOf(change, AuditActions.DeviceRemoved, AuditResults.Removed);

    /// <param name="wrongCodesOfActor">How often the actor has claimed this device with a wrong code.</param>
    /// <param name="hasRoom">As <see cref="LockChangeRules.HasRoom"/> says of the actor.</param>
    public static ClaimDecision Claim(LockChange change, string name, byte[] codeHash, WaitingDevice? found, long wrongCodesOfActor, bool hasRoom)
    {
        var matches = CryptographicOperations.FixedTimeEquals(codeHash, found?.CodeHash ?? NobodysHash);
        if (found is null || !PairingRules.IsOpen(found.Pairing, change.Now))
        {
            return Refuse(change, AuditResults.NotPending);
        }

        if (wrongCodesOfActor >= PairingRules.MaxWrongCodesOfOne)
        {
            return Refuse(change, AuditResults.TooManyWrongCodes);
        }

        if (!matches)
        {
            return Refuse(change, AuditResults.WrongCode) with { CountsAsWrong = true };
        }

        return hasRoom
            ? new ClaimDecision(
                ClaimOutcome.Claimed,
                LockChangeRules.EntryOf(change, AuditActions.LockClaimed, AuditResults.Claimed),
                new NewLock(change.DeviceId, name, change.Actor, found.ProtectedKey, found.Pairing.Unsigned, change.Now))
            : new ClaimDecision(ClaimOutcome.TooManyLocks, null);
    }

    private static ClaimDecision Refuse(LockChange change, string result) =>
        new(ClaimOutcome.Refused, change.RecordsRefusal ? LockChangeRules.EntryOf(change, AuditActions.LockClaimed, result) : null);
}
