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
            if (_sessions.ContainsKey(session.Key)
                || _sessions.Count >= core.Options.MaxSessions
                || CountOf(session.Key.Identity) >= MostOf(session.Identity))
            {
                return false;
            }

            Remember(session);
            return true;
        }
    }

    /// <param name="displaced">Who has to go for it; null when there is room.</param>
    /// <returns>False when there is no room for a session more of the identity.</returns>
    private bool TryFindRoom(MqttIdentity identity, out Session? displaced)
    {
        displaced = null;
        if (CountOf(identity.Name) >= MostOf(identity))
        {
            displaced = _identities[identity.Name].ToArray().FirstOrDefault(s => s.Connection is null);
            return displaced is not null;
        }

        return _sessions.Count < core.Options.MaxSessions
            || _holdings.TryFindExcess(identity.Holder, isPreferred: s => s.Connection is null, out displaced);
    }

    private int CountOf(string identity) => _identities.GetValueOrDefault(identity)?.Count ?? 0;

    private int MostOf(MqttIdentity identity) => Math.Min(identity.MaxSessions, core.Options.MaxSessionsPerIdentity);

    /// <summary>The login may have another holder than when the session was made.</summary>
    private void SetIdentity(Session session, MqttIdentity identity)
    {
        session.Identity = identity;
        SetObserver(session, identity.SeesDirected);
        _holdings.Remove(session);
        _holdings.Add(identity.Holder, session);
    }

    private void Remember(Session session)
    {
        _sessions.Add(session.Key, session);
        if (!_identities.TryGetValue(session.Key.Identity, out var own))
        {
            _identities.Add(session.Key.Identity, own = new IdentitySessions());
        }

        own.Add(session);
        SetIdentity(session, session.Identity);
    }

    private void Forget(Session session)
    {
        // Its client may hold a new session by the same key: that one stays.
        if (!IsRegistered(session))
        {
            return;
        }

        _sessions.Remove(session.Key);
        _holdings.Remove(session);
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
