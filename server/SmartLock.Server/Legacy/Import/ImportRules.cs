using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Legacy.Import;

/// <summary>What of the first system's rows can be brought over, and as what. Pure.</summary>
internal static class ImportRules
{
    /// <summary>Before there was such a system: a clock that was not set.</summary>
    private static readonly DateTimeOffset Earliest = new(2015, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static Role RoleOf(LegacyUser user) => user.IsAdmin ? Role.Admin : Role.User;

    /// <summary>Why there can be no account for it; null when there can.</summary>
    public static string? Refuse(LegacyUser user)
    {
        if (user.Username is not { Length: > 0 } username)
        {
            return "without a user name";
        }

        if (user.RegisteredAt is null)
        {
            return "whose id does not tell when it was made";
        }

        if (user.Password is not { Length: > 0 })
        {
            return "without a password";
        }

        return AccountRules.CheckUsername(username, RoleOf(user)) is { } fault ? $"whose name {fault}" : null;
    }

    /// <summary>Such a password was good enough there and is not here.</summary>
    public static bool IsWeak(LegacyUser user) => AccountRules.CheckPassword(user.Password!, user.Username!) is not null;

    /// <summary>Null for none, and for one that is no address.</summary>
    public static string? EmailOf(LegacyUser user) => user.Email is { Length: > 0 } email && AccountRules.CheckEmail(email) is null ? email : null;

    /// <param name="owners">The names, as they were written there, of those who have an account here.</param>
    public static string? Refuse(LegacyLockRow row, IReadOnlySet<string> owners)
    {
        if (row.DeviceId is null || !LockRules.IsDeviceId(row.DeviceId))
        {
            return $"whose device id {LockRules.DeviceIdRule.Replace("must have", "has not", StringComparison.Ordinal)}";
        }

        return row.Owner is not { Length: > 0 } ? "without an owner" : owners.Contains(row.Owner) ? null : "whose owner is not brought over";
    }

    /// <summary>The device id when it has no name that can be one here.</summary>
    public static string NameOf(LegacyLockRow row) => TextRules.Check(row.Name, LockRules.MaxNameLength) is null ? row.Name! : row.DeviceId!;

    public static string? Refuse(LegacyCommandRow row, DateTimeOffset now)
    {
        if (row.Time is not { } time || time < Earliest || time > now)
        {
            return "without a time, or of a time that cannot be";
        }

        return ActionOf(row) is null ? "of an action other than LOCK and UNLOCK" : null;
    }

    public static string? ActionOf(LegacyCommandRow row) => row.Action?.Trim().ToUpperInvariant() switch
    {
        "LOCK" => AuditActions.LockCommand,
        "UNLOCK" => AuditActions.UnlockCommand,
        _ => null,
    };
}
