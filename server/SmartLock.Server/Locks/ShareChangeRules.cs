using SmartLock.Server.Audit;

namespace SmartLock.Server.Locks;

/// <param name="Result">When it holds a share, that is to be stored in place of any other for the account.</param>
/// <param name="Entry">To be written in the same transaction; null when nothing is changed and nothing is the owner's to know.</param>
internal sealed record GrantDecision(GrantResult Result, NewAuditEntry? Entry = null);

/// <param name="Entry">As in <see cref="GrantDecision"/>.</param>
internal sealed record RevokeDecision(RevokeShareOutcome Outcome, NewAuditEntry? Entry = null);

/// <summary>Who may share a lock, with whom, and who may end that. Pure.</summary>
internal static class ShareChangeRules
{
    /// <param name="username">The account's name as it has it; null when there is no such account that is enabled.</param>
    /// <param name="shares">How many shares the lock has that have not ended, <paramref name="isThere"/> included.</param>
    /// <param name="isThere">One of them is for this account.</param>
    public static GrantDecision Grant(
        LockChange change, Share share, LockAccess? access, string? username, long shares, bool isThere, int maxPerLock)
    {
        return (access, username) switch
        {
            (null, _) => new(new GrantResult(GrantShareOutcome.LockNotFound)),
            (not LockAccess.Owner, _) => new(
                new GrantResult(GrantShareOutcome.NotOwner), LockChangeRules.NotOwner(change, AuditActions.ShareGranted)),
            (_, null) => new(new GrantResult(GrantShareOutcome.UserNotFound)),
            (_, { } name) when name == change.Actor => new(new GrantResult(GrantShareOutcome.Oneself)),
            _ when !isThere && shares >= maxPerLock => new(new GrantResult(GrantShareOutcome.TooManyShares)),
            (_, { } name) => new(
                new GrantResult(isThere ? GrantShareOutcome.Replaced : GrantShareOutcome.Granted, share with { Username = name }),
                LockChangeRules.EntryOf(change, AuditActions.ShareGranted, WordFor(share.Role), name)),
        };
    }

    /// <param name="username">Whose share is to end, in any case.</param>
    /// <param name="holder">The account's name as it has it; null when the lock has no share for it, in force or not.</param>
    public static RevokeDecision Revoke(LockChange change, string username, LockAccess? access, string? holder)
    {
        var leaves = username.Equals(change.Actor, StringComparison.OrdinalIgnoreCase);
        return (access, holder) switch
        {
            (null, _) when !leaves => new(RevokeShareOutcome.LockNotFound),
            (not LockAccess.Owner, _) when !leaves => new(
                RevokeShareOutcome.NotOwner, LockChangeRules.NotOwner(change, AuditActions.ShareRevoked)),
            (null, null) => new(RevokeShareOutcome.LockNotFound),
            (_, null) => new(RevokeShareOutcome.ShareNotFound),
            (_, { } name) => new(
                RevokeShareOutcome.Revoked,
                LockChangeRules.EntryOf(change, AuditActions.ShareRevoked, leaves ? AuditResults.Left : AuditResults.Revoked, name)),
        };
    }

    private static string WordFor(ShareRole role) => role switch
    {
        ShareRole.Viewer => AuditResults.GrantedViewer,
        ShareRole.Operator => AuditResults.GrantedOperator,
    };
}
