using SmartLock.Server.Audit;

namespace SmartLock.Server.Locks;

/// <param name="Entry">To be written in the same transaction as the change, or alone when the change is refused; null for NotFound.</param>
internal sealed record LockChangeDecision(ChangeLockOutcome Outcome, NewAuditEntry? Entry);

/// <summary>Who may change a lock, who may have one, and what the log says of it. Pure.</summary>
internal static class LockChangeRules
{
    public static LockChangeDecision Edit(LockChange change, LockAccess? access) =>
        Decide(change, access, AuditActions.LockRenamed, AuditResults.Renamed);

    public static LockChangeDecision Remove(LockChange change, LockAccess? access) =>
        Decide(change, access, AuditActions.LockRemoved, AuditResults.Removed);

    /// <param name="isUnsigned">Whether the lock is unsigned until now.</param>
    public static LockChangeDecision ReplaceKey(LockChange change, LockAccess? access, bool isUnsigned, bool endUnsigned) =>
        Decide(change, access, AuditActions.KeyRotated, isUnsigned && endUnsigned ? AuditResults.RotatedToSigned : AuditResults.Rotated);

    /// <summary>
    /// Who knows the lock tried to change it: that is the owner's to know. What strangers try, who are told that there is no such lock, changes
    /// nothing and leaves nothing.
    /// </summary>
    public static NewAuditEntry NotOwner(LockChange change, string action) => EntryOf(change, action, AuditResults.NotOwner);

    /// <param name="ownerIsDeleted">An account that was deleted while its request waited gets no lock: it would be nobody's.</param>
    /// <param name="owned">How many locks the account has.</param>
    public static bool HasRoom(bool ownerIsDeleted, long owned, int maxPerOwner) => !ownerIsDeleted && owned < maxPerOwner;

    /// <param name="hasRoom">As <see cref="HasRoom"/> says of the owner.</param>
    /// <param name="isTaken">A lock has the device id, or a device that can still be claimed.</param>
    public static RegisterLockOutcome Register(bool hasRoom, bool isTaken) => (hasRoom, isTaken) switch
    {
        (false, _) => RegisterLockOutcome.TooManyLocks,
        (_, true) => RegisterLockOutcome.DeviceIdTaken,
        _ => RegisterLockOutcome.Registered,
    };

    public static NewAuditEntry EntryOf(LockChange change, string action, string result, string? target = null) =>
        new(change.Now, change.DeviceId, change.Actor, action, result, Target: target);

    private static LockChangeDecision Decide(LockChange change, LockAccess? access, string action, string done) => access switch
    {
        null => new(ChangeLockOutcome.NotFound, null),
        not LockAccess.Owner => new(ChangeLockOutcome.NotOwner, NotOwner(change, action)),
        _ => new(ChangeLockOutcome.Changed, EntryOf(change, action, done)),
    };
}
