using SmartLock.Server.Audit;

namespace SmartLock.Server.Accounts;

/// <param name="Entries">What the log says of it, in this order.</param>
/// <param name="IsWritten">Whether role and state of <see cref="UpdateUserResult.User"/> are to be stored.</param>
/// <param name="EndsSessions">All of the account's.</param>
internal sealed record UserUpdate(UpdateUserResult Result, IReadOnlyList<NewAuditEntry> Entries, bool IsWritten = false, bool EndsSessions = false);

/// <param name="Entry">Null when there is no such account.</param>
internal sealed record UserDeletion(DeleteUserOutcome Outcome, NewAuditEntry? Entry = null);

/// <summary>
/// What becomes of an account that is to be made, changed or deleted, and what the log says of it. The stores load what is asked for here, make
/// sure that it still holds when they write, and write what comes out.
/// </summary>
internal static class UserChangeRules
{
    public static bool IsEnabledAdmin(User user) => user is { Role: Role.Admin, Disabled: false };

    public static string WordFor(Role role) => role switch
    {
        Role.Admin => "admin",
        Role.User => "user",
    };

    public static FirstAdminOutcome FirstAdmin(bool hasAdmin, bool isNameTaken)
    {
        if (hasAdmin)
        {
            return FirstAdminOutcome.AdminExists;
        }

        return isNameTaken ? FirstAdminOutcome.NameTaken : FirstAdminOutcome.Created;
    }

    /// <param name="actor">Who makes it: the account itself, an admin, or the system.</param>
    public static NewAuditEntry Registered(User user, string actor) =>
        About(user.CreatedAt, actor, AuditActions.AccountRegister, WordFor(user.Role), actor == user.Username ? null : user.Username);

    /// <summary>Whether another account that is an enabled admin is needed for <see cref="Update"/> to be allowed.</summary>
    public static bool NeedsAnotherAdmin(User before, UserChange change) => IsEnabledAdmin(before) && !IsEnabledAdmin(After(before, change));

    /// <param name="before">Null when there is no such account.</param>
    /// <param name="hasAnotherAdmin">Asked only if <see cref="NeedsAnotherAdmin"/>.</param>
    public static UserUpdate Update(User? before, UserChange change, bool hasAnotherAdmin, string actor, DateTimeOffset now)
    {
        if (before is null)
        {
            return new UserUpdate(new UpdateUserResult(UpdateUserOutcome.NotFound), []);
        }

        var after = After(before, change);
        var action = after.Disabled ? AuditActions.AccountDisable : AuditActions.AccountEnable;
        if (NeedsAnotherAdmin(before, change) && !hasAnotherAdmin)
        {
            var refused = after.Role != before.Role ? AuditActions.AccountRole : action;
            return new UserUpdate(
                new UpdateUserResult(UpdateUserOutcome.LastAdmin, before),
                [About(now, actor, refused, AuditResults.LastAdmin, before.Username)]);
        }

        var entries = new List<NewAuditEntry>();
        if (after.Role != before.Role)
        {
            entries.Add(About(now, actor, AuditActions.AccountRole, WordFor(after.Role), before.Username));
        }

        if (after.Disabled != before.Disabled)
        {
            entries.Add(About(now, actor, action, AuditResults.AccountDone, before.Username));
        }

        return new UserUpdate(new UpdateUserResult(UpdateUserOutcome.Updated, after), entries, IsWritten: entries.Count > 0, EndsSessions: after.Disabled);
    }

    /// <param name="user">Null when there is no such account.</param>
    /// <param name="hasAnotherAdmin">Asked only if <paramref name="user"/> is an enabled admin.</param>
    public static UserDeletion Delete(User? user, bool hasAnotherAdmin, bool ownsLocks, string actor, DateTimeOffset now)
    {
        if (user is null)
        {
            return new UserDeletion(DeleteUserOutcome.NotFound);
        }

        var (outcome, result) = user switch
        {
            _ when IsEnabledAdmin(user) && !hasAnotherAdmin => (DeleteUserOutcome.LastAdmin, AuditResults.LastAdmin),
            _ when ownsLocks => (DeleteUserOutcome.OwnsLocks, AuditResults.OwnsLocks),
            _ => (DeleteUserOutcome.Deleted, AuditResults.AccountDone),
        };
        return new UserDeletion(outcome, About(now, actor, AuditActions.AccountDelete, result, user.Username));
    }

    /// <summary>Whether the password that was checked is still the account's, and may be replaced.</summary>
    /// <param name="now">The account as it stands; null when there is none any more.</param>
    public static ChangePasswordOutcome ChangePassword(User? now, User asChecked) =>
        now is { Disabled: false } && now.PasswordVersion == asChecked.PasswordVersion ? ChangePasswordOutcome.Changed : ChangePasswordOutcome.Stale;

    public static NewAuditEntry PasswordChanged(string username, DateTimeOffset now) => Own(username, AuditActions.AccountPassword, now);

    public static NewAuditEntry EmailChanged(string username, DateTimeOffset now) => Own(username, AuditActions.AccountEmail, now);

    /// <summary>What an account did to itself.</summary>
    public static NewAuditEntry Own(string username, string action, DateTimeOffset now) => About(now, username, action, AuditResults.AccountDone);

    /// <param name="target">The account that it was done to, when it was another's doing.</param>
    public static NewAuditEntry About(DateTimeOffset now, string actor, string action, string result, string? target = null) =>
        new(now, AuditSubjects.Accounts, actor, action, result, Target: target);

    private static User After(User before, UserChange change) =>
        before with { Disabled = change.Disabled ?? before.Disabled, Role = change.Role ?? before.Role };
}
