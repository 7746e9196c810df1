namespace SmartLock.Mqtt.Broker;

/// <summary>
/// What a synchronous stretch of work on one thread (a read-loop turn, a publish by the process) gathers: counts, and the connections
/// that were written to and are flushed together at its end.
/// </summary>
internal struct Turn
{
    public TurnCounters Counters;
    private Outbound? _written;

    /// <summary>Links the connections through a field of their own, so that no list is needed.</summary>
    public void Add(Outbound outbound)
    {
        outbound.NextInTurn = _written;
        _written = outbound;
    }

    /// <summary>Must be called however the turn ends: a connection left in a turn would never be flushed again.</summary>
    public void End(BrokerCounters counters)
    {
        var outbound = _written;
        _written = null;
        while (outbound is not null)
        {
            var next = outbound.NextInTurn;
            outbound.EndTurn();
            outbound = next;
        }

        counters.Add(ref Counters);
    }
}
