using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Storage;

internal static class UserWrites
{
    /// <summary>An account that somebody made for themselves.</summary>
    public static Task<CreateUserOutcome> CreateAsync(this IUserStore store, User user, CancellationToken ct) => store.CreateAsync(user, user.Username, ct);
}
