namespace SmartLock.Mqtt.Broker;

internal readonly record struct Attached(Session Session, bool SessionPresent);

/// <summary>All sessions: by client, by identity, and those of observers. Its lock decides who holds a client id.</summary>
internal sealed partial class SessionRegistry(BrokerCore core)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SessionKey, Session> _sessions = [];
    private readonly Dictionary<string, IdentitySessions> _identities = new(StringComparer.Ordinal);
    private readonly Holdings<Session> _holdings = new();
    private Session[] _observers = [];
    private int _revocations;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Sessions whose identity sees what is published to others.</summary>
    public Session[] Observers => Volatile.Read(ref _observers);

    /// <summary>
    /// Changes whenever a login is ended. An authentication that began before must be repeated: it may rest on a right that is gone.
    /// </summary>
    public int Revocations => Volatile.Read(ref _revocations);

    public IdentitySessions? Find(string identity)
    {
        lock (_gate)
        {
            return _identities.GetValueOrDefault(identity);
        }
    }

    /// <summary>Gives the connection its session: a new one, or the one its client left, or the one it takes over.</summary>
    /// <returns>Null when there are as many sessions or connections as may be, or logins were ended since <paramref name="revocations"/>.</returns>
    public Attached? Attach(BrokerConnection connection, SessionKey key, bool cleanStart, int revocations, ref Turn turn)
    {
        Session? ended = null;
        Session? displaced = null;
        BrokerConnection? old;
        BrokerConnection? evicted;
        Attached attached;
        lock (_gate)
        {
            if (revocations != _revocations)
            {
                return null;
            }

            _sessions.TryGetValue(key, out var session);
            if ((session is null && !TryFindRoom(connection.Identity, out displaced))
                || !core.Connections.TryAccept(connection, session?.Connection ?? displaced?.Connection, out evicted))
            {
                return null;
            }

            if (displaced is not null)
            {
                Forget(displaced);
            }

            // A session that ends with its connection is not carried over to the next (MQTT 5, 3.1.2.11.2).
            if (session is not null && (cleanStart || session.ExpiryMilliseconds == 0))
            {
                ended = session;
                Forget(session);
                session = null;
            }

            var present = session is not null;
            if (session is not null)
            {
                // Coming back cancels a delayed will; a clean start ends the session, which publishes it.
                session.TakePendingWill();
                SetIdentity(session, connection.Identity);
            }
            else
            {
                session = new Session(core, key, connection.Identity);
                Remember(session);
            }

            core.Deadlines.Cancel(session);
            session.ExpiryMilliseconds = connection.SessionExpiryMilliseconds;
            connection.Session = session;
            old = session.Attach(connection, present, ref turn) ?? ended?.Connection;
            attached = new Attached(session, present);
        }

        old?.Close(MqttReasonCode.SessionTakenOver);
        evicted?.Close(MqttReasonCode.QuotaExceeded);
        displaced?.Connection?.Close(MqttReasonCode.QuotaExceeded);
        displaced?.End(ref turn)?.Publish(ref turn);
        ended?.End(ref turn)?.Publish(ref turn);
        return attached;
    }

    /// <summary>The connection is over: its session ends, or waits for the client as long as it is meant to.</summary>
    public void Detach(BrokerConnection connection, Will? will)
    {
        var turn = default(Turn);
        try
        {
            Detach(connection, will, ref turn);
        }
        finally
        {
            turn.End(core.Counters);
        }
    }

    /// <summary>Ends a session that the registry has forgotten, and publishes the will that waited for its client.</summary>
    public void End(Session session)
    {
        var turn = default(Turn);
        try
        {
            session.End(ref turn)?.Publish(ref turn);
        }
        finally
        {
            turn.End(core.Counters);
        }
    }

    private void Detach(BrokerConnection connection, Will? will, ref Turn turn)
    {
        var session = connection.Session!;
        Session? ended = null;
        lock (_gate)
        {
            if (session.TryDetach(connection))
            {
                will = Schedule(session, will, out var over, ref turn);
                ended = over ? session : null;
            }
            else if (will is { DelaySeconds: > 0 } && !session.HasEnded)
            {
                // Taken over by a client that came back to the session.
                will = null;
            }
        }

        ended?.End(ref turn)?.Publish(ref turn);
        will?.Publish(ref turn);
    }

    public void Expire(Session session)
    {
        lock (_gate)
        {
            // Its client may have come back meanwhile, and even left again: then it waits anew.
            if (session.Connection is not null || session.HeapIndex >= 0 || !IsRegistered(session))
            {
                return;
            }

            Forget(session);
        }

        End(session);
    }

    /// <summary>Takes every session of an identity away; logins under way are to be asked again.</summary>
    public Session[] Revoke(string identity)
    {
        Session[] all;
        lock (_gate)
        {
            _revocations++;
            all = _identities.GetValueOrDefault(identity)?.ToArray() ?? [];
            foreach (var session in all)
            {
                Forget(session);
            }
        }

        return all;
    }

    /// <returns>The will, when it is due at once.</returns>
    private Will? Schedule(Session session, Will? will, out bool over, ref Turn turn)
    {
        // A forgotten session is being ended by whoever forgot it: nothing may wait for it any more.
        over = session.ExpiryMilliseconds == 0 && IsRegistered(session);
        if (over)
        {
            Forget(session);
            return will;
        }

        lock (session.Gate)
        {
            if (session.HasEnded || !IsRegistered(session))
            {
                return will;
            }

            var now = core.Clock.Now;
            core.Deadlines.Set(session, now + session.ExpiryMilliseconds);
            if (will is null || will.DelaySeconds == 0)
            {
                session.StoreDeparture(ref turn);
                return will;
            }

            // A delay beyond the session's end does not matter: the end publishes it.
            session.PendingWill = will;
            session.StoreDeparture(ref turn);
            core.Deadlines.Set(will, now + (will.DelaySeconds * 1000L));
        }

        return null;
    }
}
