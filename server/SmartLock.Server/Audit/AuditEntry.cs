namespace SmartLock.Server.Audit;

/// <summary>Who did what to which lock, and how it ended. Entries are appended, never changed.</summary>
/// <param name="Actor">A user name; <c>device:ID</c> for what a device reports; <c>system</c> for jobs.</param>
/// <param name="Action">One of <see cref="AuditActions"/>.</param>
/// <param name="DeviceId">The lock; or <see cref="AuditSubjects.Accounts"/> for what was done to an account.</param>
/// <param name="Result">
/// For attempts <c>sent</c> or why they were refused; for verdicts the device's own word; see <see cref="AuditResults"/>. Never a name: names go
/// into <paramref name="Actor"/> and <paramref name="Target"/>, which the store keeps so that a deleted account's can be forgotten.
/// </param>
/// <param name="Target">User name of the account it was done to or for: the new owner, who a lock is shared with.</param>
/// <param name="Issue">Why the lock became Unavailable; null for every other entry. Diagnostics read this, and never the words of <paramref name="Result"/>.</param>
internal record NewAuditEntry(
    DateTimeOffset Time,
    string DeviceId,
    string Actor,
    string Action,
    string Result,
    string? CommandId = null,
    string? Target = null,
    string? Issue = null);

/// <param name="Id">Position in the log; later entries have greater ids.</param>
/// <param name="Actor">A name as accounts have it now; <see cref="AuditActors.Deleted"/> for one that is deleted. Likewise <paramref name="Target"/>.</param>
/// <param name="Sequence">Position in its lock's chain, from 1.</param>
internal sealed record AuditEntry(
    long Id,
    DateTimeOffset Time,
    string DeviceId,
    string Actor,
    string Action,
    string Result,
    string? CommandId,
    string? Target,
    long Sequence,
    byte[] PreviousHash,
    byte[] Hash,
    string? Issue = null);

internal static class AuditActions
{
    public const string LockRegistered = "lock.register";
    public const string LockCommand = "command.lock";
    public const string UnlockCommand = "command.unlock";
    public const string Connectivity = "lock.state";

    public const string WebhookCreated = "webhook.create";
    public const string WebhookChanged = "webhook.change";
    public const string WebhookRotated = "webhook.rotate_secret";
    public const string WebhookDeleted = "webhook.delete";

    public const string AccountRegister = "account.register";
    public const string AccountLogin = "account.login";
    public const string AccountPassword = "account.password";
    public const string AccountEmail = "account.email";
    public const string AccountDisable = "account.disable";
    public const string AccountEnable = "account.enable";
    public const string AccountRole = "account.role";
    public const string AccountDelete = "account.delete";

    /// <summary>Once, when a store of a version that did not bind ids to names was brought up to date.</summary>
    public const string AccountsBound = "account.bind";
    public const string SessionReuse = "session.reuse";
    public const string SecondFactorEnable = "second_factor.enable";
    public const string SecondFactorDisable = "second_factor.disable";
    public const string SecondFactorCodes = "second_factor.recovery_codes";

    public const string LockRenamed = "lock.rename";
    public const string LockRemoved = "lock.remove";
    public const string KeyRotated = "lock.rotate_key";
    public const string LockReassigned = "lock.reassign";
    public const string LockClaimed = "lock.claim";
    public const string ShareGranted = "share.grant";
    public const string ShareRevoked = "share.revoke";
    public const string DeviceAdded = "device.add";
    public const string DeviceRemoved = "device.remove";
}

internal static class AuditResults
{
    public const string Registered = "registered";

    /// <summary>Brought over from the first system; of a command it does not tell how it ended.</summary>
    public const string Imported = "imported";
    public const string Sent = "sent";
    public const string Offline = "refused: offline";
    public const string NotFound = "refused: not found";
    public const string NotOwner = "refused: not the owner";
    public const string KeyReused = "refused: key reused";
    public const string Expired = "expired";

    /// <summary>An unsigned device gives no verdict: its bolt was seen where the command wanted it.</summary>
    public const string Seen = "done: seen";
    public const string Available = "available";

    public const string WebhookDone = "done";

    public const string AccountDone = "done";
    public const string SessionEnded = "session ended";
    public const string WrongPassword = "refused: password";
    public const string WrongSecondFactor = "refused: second factor";
    public const string AccountDisabled = "refused: disabled";
    public const string LastAdmin = "refused: last admin";
    public const string OwnsLocks = "refused: owns locks";

    public const string Renamed = "renamed";
    public const string Removed = "removed";
    public const string Rotated = "rotated";

    /// <summary>The lock was unsigned until then.</summary>
    public const string RotatedToSigned = "rotated: signed";
    public const string Claimed = "claimed";
    public const string Added = "added";

    /// <summary>Reassigned away from the target; the entry after it tells to whom.</summary>
    public const string TakenFrom = "taken from";
    public const string GivenTo = "given to";
    public const string GrantedViewer = "granted: viewer";
    public const string GrantedOperator = "granted: operator";
    public const string Revoked = "revoked";
    public const string Left = "left";
    public const string Viewer = "refused: viewer";
    public const string WrongCode = "refused: wrong code";

    /// <summary>By this account, for this device; whether the code was right this time was not looked at.</summary>
    public const string TooManyWrongCodes = "refused: too many wrong codes";

    /// <summary>No such device waits for its owner, or not any more.</summary>
    public const string NotPending = "refused: not pending";

    /// <summary>A device's verdict that contradicts what the command had ended with before.</summary>
    public static string After(string verdict, string earlier) => $"{verdict} after {earlier}";

    private const string UnavailablePrefix = "unavailable: ";

    public static string Unavailable(string issue) => UnavailablePrefix + issue;
}

internal static class AuditActors
{
    public const string System = "system";

    private const int ShownDigits = 8;

    /// <summary>Somebody who used the first system and has no account here.</summary>
    public const string LegacyUnknown = "original:unknown";

    /// <summary>User names hold no colon, so no account can pass for a device.</summary>
    public static string Device(string deviceId) => $"device:{deviceId}";

    /// <summary>A deleted account: what it did can still be told from what another did, and no more.</summary>
    public static string Deleted(string accountId) => $"deleted:{accountId[..Math.Min(ShownDigits, accountId.Length)]}";

    /// <summary>An account whose id or name was changed behind the server's back, so that nobody can tell whose deed it was.</summary>
    /// <param name="mark">Its id, or the hash of its name where the entry was written while it was so.</param>
    public static string Altered(string mark) => $"altered:{mark[..Math.Min(ShownDigits, mark.Length)]}";
}

internal static class AuditSubjects
{
    /// <summary>Where entries stand that are about an account and no lock. Device ids hold no at sign.</summary>
    public const string Accounts = "@accounts";
}
