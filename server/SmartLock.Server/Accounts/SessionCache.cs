using Microsoft.Extensions.Caching.Memory;

namespace SmartLock.Server.Accounts;

/// <summary>
/// Tells, for every request with a token, whether its session is still active. Caches the answer for a few seconds. A change made in this
/// process takes effect at once; one made in another takes effect when its notice arrives, or when the cached answer has expired.
/// </summary>
internal sealed class SessionCache(ISessionStore sessions, TimeProvider clock) : IDisposable
{
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(5);

    private const int MaxEntries = 20_000;
    private readonly System.Threading.Lock _gate = new();

    /// <summary>
    /// Whether an entry is still fresh is decided here by the <see cref="TimeProvider"/>; the cache, which reads the system clock, only bounds
    /// their number. A full cache refuses a new entry and drops its least recently used ones, so that a session is read from the store again.
    /// </summary>
    private readonly MemoryCache _known = new(new MemoryCacheOptions { SizeLimit = MaxEntries });
    private long _changes;

    /// <summary>Null when the session has ended, or its account is gone or disabled.</summary>
    public async ValueTask<SessionAccount?> FindAsync(string sessionId, CancellationToken ct)
    {
        if (_known.TryGetValue(sessionId, out Entry? entry) && clock.GetElapsedTime(entry!.ReadAt) < Remembered)
        {
            return entry.Account;
        }

        var (changes, readAt) = (Volatile.Read(ref _changes), clock.GetTimestamp());
        var account = await sessions.FindAsync(sessionId, clock.GetUtcNow(), ct);
        lock (_gate)
        {
            // What was read before a change must not be cached after it.
            if (changes == _changes)
            {
                Keep(sessionId, new Entry(account, readAt));
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
                _known.Remove(sessionId);
                return;
            }

            foreach (var key in _known.Keys)
            {
                if (_known.TryGetValue(key, out Entry? entry) && string.Equals(entry!.Account?.Username, username, StringComparison.OrdinalIgnoreCase))
                {
                    _known.Remove(key);
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

    public void Dispose() => _known.Dispose();

    private void Keep(string sessionId, Entry entry)
    {
        using var kept = _known.CreateEntry(sessionId);
        kept.Size = 1;
        kept.Value = entry;
    }

    /// <param name="ReadAt">Monotonic.</param>
    private sealed record Entry(SessionAccount? Account, long ReadAt);
}
