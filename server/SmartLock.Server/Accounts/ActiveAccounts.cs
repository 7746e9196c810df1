using System.Collections.Concurrent;

namespace SmartLock.Server.Accounts;

internal sealed record ActiveAccount(string Username, Role Role);

/// <summary>
/// Answers, for every request with a token, whether its account still stands. Remembers the answer for a few seconds, which
/// is how long a disabled account may linger.
/// </summary>
internal sealed class ActiveAccounts(IUserStore users, TimeProvider clock)
{
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(5);

    private const int MostRemembered = 20_000;
    private readonly ConcurrentDictionary<string, Entry> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Null when there is no such account or it is disabled.</summary>
    public async ValueTask<ActiveAccount?> FindAsync(string username, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (_known.TryGetValue(username, out var entry) && now < entry.Until)
        {
            return entry.Account;
        }

        var user = await users.FindAsync(username, ct);
        var account = user is { Disabled: false } ? new ActiveAccount(user.Username, user.Role) : null;
        // Only names from tokens signed here come this far, so that it takes so many accounts to fill it.
        if (_known.Count >= MostRemembered)
        {
            _known.Clear();
        }

        _known[username] = new Entry(account, now + Remembered);
        return account;
    }

    private sealed record Entry(ActiveAccount? Account, DateTimeOffset Until);
}
