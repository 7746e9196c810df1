using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal enum CreateUserOutcome
{
    Created,

    /// <summary>Somebody has the name, or had it: a deleted account's name is nobody's again.</summary>
    NameTaken,
}

internal enum FirstAdminOutcome
{
    Created,
    NameTaken,
    AdminExists,
}

internal enum ChangePasswordOutcome
{
    Changed,

    /// <summary>Since the old password was checked, it was changed, or the account was disabled or deleted.</summary>
    Stale,
}

internal enum UpdateUserOutcome
{
    Updated,
    NotFound,

    /// <summary>It would leave no enabled admin.</summary>
    LastAdmin,
}

/// <param name="User">As it stands now; null for NotFound.</param>
internal sealed record UpdateUserResult(UpdateUserOutcome Outcome, User? User = null);

internal enum DeleteUserOutcome
{
    Deleted,
    NotFound,

    /// <summary>It would leave no enabled admin.</summary>
    LastAdmin,

    OwnsLocks,
}

/// <summary>What is to change; null is left as it is.</summary>
internal sealed record UserChange(bool? Disabled = null, Role? Role = null);

/// <param name="Search">Beginning of the name, without case.</param>
internal sealed record UserFilter(Role? Role = null, bool? Disabled = null, string? Search = null);

/// <summary>Accounts, by name without case. Whatever changes one is on the record in the same transaction.</summary>
internal interface IUserStore
{
    /// <param name="actor">Who makes it: the account itself, an admin, or the system.</param>
    Task<CreateUserOutcome> CreateAsync(User user, string actor, CancellationToken ct);

    /// <summary>Only while there is no admin at all.</summary>
    Task<FirstAdminOutcome> CreateFirstAdminAsync(User user, CancellationToken ct);

    /// <summary>By name, without case.</summary>
    Task<User?> FindAsync(string username, CancellationToken ct);

    Task<Page<User>> ListAsync(UserFilter filter, string? after, int limit, CancellationToken ct);

    /// <summary>Replaces the hash only if it is still <paramref name="oldHash"/>; false when another writer was first.</summary>
    Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct);

    /// <summary>Another password, unless it is no longer that of <paramref name="user"/>; ends all of the account's sessions.</summary>
    Task<ChangePasswordOutcome> ChangePasswordAsync(User user, string newHash, DateTimeOffset now, CancellationToken ct);

    /// <summary>Null when there is no such account.</summary>
    Task<User?> ChangeEmailAsync(string username, string? email, DateTimeOffset now, CancellationToken ct);

    /// <summary>By an admin. Ends all of the account's sessions when it is disabled.</summary>
    Task<UpdateUserResult> UpdateAsync(string username, UserChange change, string actor, DateTimeOffset now, CancellationToken ct);

    /// <summary>
    /// Removes the account and what is personal to it. Its id and a hash of its name stay, so that the log stays readable and nobody gets the
    /// name again; in its commands stands <c>deleted:</c> with the beginning of its id.
    /// </summary>
    Task<DeleteUserOutcome> DeleteAsync(string username, string actor, DateTimeOffset now, CancellationToken ct);

    Task<bool> AnyAdminAsync(CancellationToken ct);
}
