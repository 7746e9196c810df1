namespace SmartLock.Mqtt.Broker;

/// <summary>The sessions of one identity: one as a rule, so the list is made small.</summary>
internal sealed class IdentitySessions
{
    private readonly List<Session> _sessions = new(1);

    public Lock Gate { get; } = new();

    /// <summary>Read under <see cref="Gate"/>.</summary>
    public List<Session> Sessions => _sessions;

    public int Count
    {
        get
        {
            lock (Gate)
            {
                return _sessions.Count;
            }
        }
    }

    public void Add(Session session)
    {
        lock (Gate)
        {
            session.IdentityIndex = _sessions.Count;
            _sessions.Add(session);
        }
    }

    public void Remove(Session session)
    {
        lock (Gate)
        {
            var index = session.IdentityIndex;
            if (index >= _sessions.Count || _sessions[index] != session)
            {
                return;
            }

            var last = _sessions[^1];
            _sessions[index] = last;
            last.IdentityIndex = index;
            _sessions.RemoveAt(_sessions.Count - 1);
        }
    }

    public Session[] ToArray()
    {
        lock (Gate)
        {
            return [.. _sessions];
        }
    }
}
