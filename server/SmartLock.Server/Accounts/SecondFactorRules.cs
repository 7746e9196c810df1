using SmartLock.Server.Audit;

namespace SmartLock.Server.Accounts;

/// <summary>When a second factor may be begun, confirmed, changed or removed, and what the log says of it.</summary>
internal static class SecondFactorRules
{
    public static BeginSecondFactorOutcome Begin(bool hasAccount, bool isConfirmed)
    {
        if (!hasAccount)
        {
            return BeginSecondFactorOutcome.NoAccount;
        }

        return isConfirmed ? BeginSecondFactorOutcome.AlreadyEnabled : BeginSecondFactorOutcome.Pending;
    }

    /// <param name="factor">As it stands; null when there is none.</param>
    /// <param name="asChecked">The pending secret that the code was checked against.</param>
    public static ConfirmSecondFactorOutcome Confirm(SecondFactor? factor, byte[] asChecked) =>
        factor is { IsConfirmed: false } && factor.ProtectedSecret.AsSpan().SequenceEqual(asChecked)
            ? ConfirmSecondFactorOutcome.Enabled
            : ConfirmSecondFactorOutcome.NotPending;

    /// <summary>For new recovery codes, and for its removal.</summary>
    public static SecondFactorOutcome Change(SecondFactor? factor) =>
        factor is { IsConfirmed: true } ? SecondFactorOutcome.Done : SecondFactorOutcome.NotEnabled;

    public static NewAuditEntry Enabled(string username, DateTimeOffset now) => UserChangeRules.Own(username, AuditActions.SecondFactorEnable, now);

    public static NewAuditEntry CodesReplaced(string username, DateTimeOffset now) => UserChangeRules.Own(username, AuditActions.SecondFactorCodes, now);

    /// <param name="actor">The account itself, or an admin.</param>
    public static NewAuditEntry Removed(string username, string actor, DateTimeOffset now) =>
        UserChangeRules.About(now, actor, AuditActions.SecondFactorDisable, AuditResults.AccountDone, username);
}
