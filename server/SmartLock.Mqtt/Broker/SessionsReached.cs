namespace SmartLock.Mqtt.Broker;

/// <summary>
/// Sessions with overlapping subscriptions that one message has been given to already, so that the second of a hundred filters that match
/// costs one look-up, not another hundred comparisons. Empty, it takes nothing.
/// </summary>
internal struct SessionsReached
{
    private const int LargestKept = 1024;

    [ThreadStatic]
    private static HashSet<Session>? _kept;

    private HashSet<Session>? _sessions;

    /// <returns>False when it was given it before.</returns>
    public bool TryAdd(Session session)
    {
        if (_sessions is null)
        {
            // Taken away while in use: a handler may publish within a publication.
            _sessions = _kept ?? [];
            _kept = null;
        }

        return _sessions.Add(session);
    }

    public void End()
    {
        if (_sessions is not { } used)
        {
            return;
        }

        _sessions = null;
        if (used.Count <= LargestKept)
        {
            used.Clear();
            _kept = used;
        }
    }
}
