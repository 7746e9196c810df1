using SmartLock.Server.Audit;

namespace SmartLock.Server.Accounts;

/// <summary>When a session is opened, refreshed or ended, and what the log says of it.</summary>
internal static class SessionRules
{
    /// <summary>Whether what was checked at a sign-in would do still.</summary>
    /// <param name="now">The account as it stands; null when there is none any more.</param>
    /// <param name="asChecked">As it was when password and, if it had one, second factor were checked.</param>
    public static OpenSessionOutcome Open(User? now, User asChecked) =>
        now is { Disabled: false } && now.PasswordVersion == asChecked.PasswordVersion && (asChecked.HasSecondFactor || !now.HasSecondFactor)
            ? OpenSessionOutcome.Opened
            : OpenSessionOutcome.Stale;

    /// <summary>How many of the account's sessions may stay beside a new one; of the others those not used for longest end.</summary>
    /// <param name="most">How many sessions the account may have, the new one included.</param>
    public static int KeptBesideNew(int most) => Math.Max(0, most - 1);

    public static NewAuditEntry Opened(string username, DateTimeOffset now) => UserChangeRules.Own(username, AuditActions.AccountLogin, now);

    /// <param name="username">Of an account that there is.</param>
    /// <param name="result">Why, see <see cref="AuditResults"/>.</param>
    public static NewAuditEntry Refused(string username, string result, DateTimeOffset now) =>
        UserChangeRules.About(now, AuditActors.System, AuditActions.AccountLogin, result, username);

    /// <param name="account">Null when the session has none any more.</param>
    /// <param name="isUsed">The token has been used before: somebody has a copy, and the session is to be ended.</param>
    public static RotateResult Rotate(string sessionId, User? account, DateTimeOffset expiresAt, bool isUsed, DateTimeOffset now)
    {
        if (account is null || expiresAt <= now)
        {
            return new RotateResult(RotateOutcome.Unknown);
        }

        var outcome = isUsed ? RotateOutcome.Reused : account.Disabled ? RotateOutcome.Disabled : RotateOutcome.Rotated;
        return new RotateResult(outcome, new SessionAccount(sessionId, account.Username, account.Role));
    }

    public static NewAuditEntry Reused(string username, DateTimeOffset now) =>
        UserChangeRules.About(now, AuditActors.System, AuditActions.SessionReuse, AuditResults.SessionEnded, username);
}
