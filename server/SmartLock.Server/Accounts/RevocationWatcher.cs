namespace SmartLock.Server.Accounts;

/// <summary>
/// Tells connections that outlive their request, such as event streams, that the session they were opened in has ended: by
/// sign-out, a changed password, or an account disabled or deleted.
/// </summary>
internal sealed class RevocationWatcher
{
    private readonly System.Threading.Lock _gate = new();
    private readonly Dictionary<string, HashSet<Watch>> _byUser = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Watches that have begun and not ended.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byUser.Values.Sum(w => w.Count);
            }
        }
    }

    /// <summary>The sessions that are watched now.</summary>
    public IReadOnlyCollection<(string Username, string SessionId)> Watched()
    {
        lock (_gate)
        {
            return [.. _byUser.Values.SelectMany(w => w).Where(w => w.SessionId is not null).Select(w => (w.Username, w.SessionId!)).Distinct()];
        }
    }

    /// <summary>Begin before the session is checked for the last time, or its end may pass by.</summary>
    public Watch Begin(string username, string? sessionId)
    {
        var watch = new Watch(this, username, sessionId);
        lock (_gate)
        {
            if (!_byUser.TryGetValue(username, out var watches))
            {
                _byUser[username] = watches = [];
            }

            watches.Add(watch);
        }

        return watch;
    }

    /// <param name="sessionId">Null for all of the account's sessions.</param>
    public void End(string username, string? sessionId = null)
    {
        List<Watch> ended;
        lock (_gate)
        {
            ended = [.. _byUser.GetValueOrDefault(username, []).Where(w => sessionId is null || w.SessionId == sessionId)];
        }

        ended.ForEach(w => w.Cancel());
    }

    private void Remove(Watch watch)
    {
        lock (_gate)
        {
            if (_byUser.TryGetValue(watch.Username, out var watches) && watches.Remove(watch) && watches.Count == 0)
            {
                _byUser.Remove(watch.Username);
            }
        }
    }

    internal sealed class Watch(RevocationWatcher ends, string username, string? sessionId) : IDisposable
    {
        private readonly CancellationTokenSource _source = new();

        public string Username => username;

        public string? SessionId => sessionId;

        /// <summary>Cancelled when the session ends.</summary>
        public CancellationToken Ended => _source.Token;

        public void Dispose()
        {
            // Not the source: End may be about to cancel it, and without a timer it holds nothing that must be freed.
            ends.Remove(this);
        }

        internal void Cancel() => _source.Cancel();
    }
}
