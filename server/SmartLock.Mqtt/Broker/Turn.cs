using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// What a synchronous stretch of work on one thread (a read-loop turn, a publish by the process) gathers: counts, and the connections
/// that were written to and are flushed together at its end.
/// </summary>
internal struct Turn
{
    public TurnCounters Counters;

    /// <summary>Where the turn has a group of changes open.</summary>
    public SessionJournal? Journal;

    /// <summary>The batch of changes that must be committed before the turn's answers may be sent; zero when there is none.</summary>
    public long HoldUntil;

    private Outbound? _written;

    /// <summary>Links the connections through a field of their own, so that no list is needed.</summary>
    public void Add(Outbound outbound)
    {
        outbound.NextInTurn = _written;
        _written = outbound;
    }

    /// <summary>What follows may be stored apart from what was changed so far.</summary>
    public void EndGroup()
    {
        Journal?.EndGroup();
        Journal = null;
    }

    /// <summary>Must be called however the turn ends: a connection left in a turn would never be flushed again.</summary>
    public void End(BrokerCounters counters)
    {
        EndGroup();
        // Who has a message or an answer finds it counted.
        counters.Add(ref Counters);
        var outbound = _written;
        _written = null;
        while (outbound is not null)
        {
            var next = outbound.NextInTurn;
            outbound.EndTurn();
            outbound = next;
        }
    }
}
