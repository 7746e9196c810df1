namespace SmartLock.Mqtt.Broker;

internal sealed partial class SessionRegistry
{
    /// <summary>Whether a client with a stored session is connected.</summary>
    public bool AnyStoredConnected()
    {
        lock (_gate)
        {
            return _sessions.Values.Any(s => s is { IsStored: true, Connection: not null });
        }
    }

    /// <summary>Takes in a session from before a restart.</summary>
    /// <returns>False when there are as many as may be, or its client has come back already.</returns>
    public bool TryRestore(Session session)
    {
        lock (_gate)
        {
            if (!HasRoomFor(session.Key) || _sessions.ContainsKey(session.Key))
            {
                return false;
            }

            Remember(session);
            return true;
        }
    }

    private bool HasRoomFor(SessionKey key)
    {
        return _sessions.Count < core.Options.MaxSessions
            && (_identities.GetValueOrDefault(key.Identity)?.Count ?? 0) < core.Options.MaxSessionsPerIdentity;
    }

    private void Remember(Session session)
    {
        _sessions.Add(session.Key, session);
        if (!_identities.TryGetValue(session.Key.Identity, out var own))
        {
            _identities.Add(session.Key.Identity, own = new IdentitySessions());
        }

        own.Add(session);
        SetObserver(session, session.Identity.SeesDirected);
    }

    private void Forget(Session session)
    {
        // Its client may hold a new session by the same key: that one stays.
        if (!IsRegistered(session))
        {
            return;
        }

        _sessions.Remove(session.Key);
        var own = _identities[session.Key.Identity];
        own.Remove(session);
        if (own.Count == 0)
        {
            _identities.Remove(session.Key.Identity);
        }

        SetObserver(session, isObserver: false);
    }

    private bool IsRegistered(Session session) => _sessions.TryGetValue(session.Key, out var held) && held == session;

    private void SetObserver(Session session, bool isObserver)
    {
        if (isObserver == (Array.IndexOf(_observers, session) >= 0))
        {
            return;
        }

        Volatile.Write(ref _observers, isObserver ? [.. _observers, session] : [.. _observers.Where(s => s != session)]);
    }
}
