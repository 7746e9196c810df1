using SmartLock.Server.Audit;

namespace SmartLock.Server.Locks;

/// <param name="Taken">Tells from whom; the last entry of the old owner's log. Null when nothing is changed, as <paramref name="Given"/> is.</param>
/// <param name="Given">Tells to whom. The new owner's log begins with it, so that it does not tell who had the lock before.</param>
internal sealed record ReassignDecision(ReassignResult Result, NewAuditEntry? Taken = null, NewAuditEntry? Given = null);

/// <summary>Whether a lock is given to another account. Pure.</summary>
internal static class ReassignRules
{
    /// <param name="username">The new owner's name as the account has it; null when there is no such account that is enabled.</param>
    /// <param name="hasRoom">As <see cref="LockChangeRules.HasRoom"/> says of the new owner.</param>
    public static ReassignDecision Decide(LockChange change, Lock? found, string? username, bool hasRoom) => (found, username) switch
    {
        (null, _) => new(new ReassignResult(ReassignOutcome.LockNotFound)),
        (_, null) => new(new ReassignResult(ReassignOutcome.UserNotFound)),
        ({ } own, _) when own.Owner == username => new(new ReassignResult(ReassignOutcome.AlreadyOwner, own)),
        _ when !hasRoom => new(new ReassignResult(ReassignOutcome.TooManyLocks)),
        ({ } before, { } owner) => new(
            new ReassignResult(ReassignOutcome.Reassigned, before with { Owner = owner }),
            LockChangeRules.EntryOf(change, AuditActions.LockReassigned, AuditResults.TakenFrom, before.Owner),
            LockChangeRules.EntryOf(change, AuditActions.LockReassigned, AuditResults.GivenTo, owner)),
    };
}
