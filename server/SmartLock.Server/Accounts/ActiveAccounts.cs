using System.Collections.Concurrent;

namespace SmartLock.Server.Accounts;

/// <summary>
/// Answers, for every request with a token, whether its session still stands. Remembers the answer for a few seconds; a change made in this
/// process is told to it at once, one made in another as soon as its word comes, or may linger for as long.
/// </summary>
internal sealed class ActiveAccounts(ISessionStore sessions, TimeProvider clock)
{
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(5);

    private const int MostRemembered = 20_000;
    private readonly System.Threading.Lock _gate = new();
    private readonly ConcurrentDictionary<string, Entry> _known = new(StringComparer.Ordinal);
    private long _changes;

    /// <summary>Null when the session has ended, or its account is gone or disabled.</summary>
    public async ValueTask<SessionAccount?> FindAsync(string sessionId, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (_known.TryGetValue(sessionId, out var entry) && entry.Since <= now && now < entry.Since + Remembered)
        {
            return entry.Account;
        }

        var changes = Volatile.Read(ref _changes);
        var account = await sessions.FindAsync(sessionId, now, ct);
        lock (_gate)
        {
            // What was read before a change must not be remembered after it.
            if (changes == _changes)
            {
                // Only sessions from tokens signed here come this far, so that it takes so many sign-ins to fill it.
                if (_known.Count >= MostRemembered)
                {
                    _known.Clear();
                }

                _known[sessionId] = new Entry(account, now);
            }
        }

        return account;
    }

    /// <summary>After the change is stored. <paramref name="sessionId"/> is null for all of the account's sessions.</summary>
    public void Forget(string username, string? sessionId = null)
    {
        lock (_gate)
        {
            Volatile.Write(ref _changes, _changes + 1);
            if (sessionId is not null)
            {
                _known.TryRemove(sessionId, out _);
                return;
            }

            foreach (var (id, entry) in _known)
            {
                if (string.Equals(entry.Account?.Username, username, StringComparison.OrdinalIgnoreCase))
                {
                    _known.TryRemove(id, out _);
                }
            }
        }
    }

    public void ForgetAll()
    {
        lock (_gate)
        {
            Volatile.Write(ref _changes, _changes + 1);
            _known.Clear();
        }
    }

    /// <param name="Since">Later than now when the clock was set back.</param>
    private sealed record Entry(SessionAccount? Account, DateTimeOffset Since);
}
