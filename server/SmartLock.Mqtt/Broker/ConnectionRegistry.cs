namespace SmartLock.Mqtt.Broker;

/// <summary>Open connections: their bound, and the end of them all when the broker stops.</summary>
internal sealed class ConnectionRegistry(BrokerCore core)
{
    private readonly Lock _gate = new();
    private readonly HashSet<BrokerConnection> _connections = [];
    private readonly Holdings<BrokerConnection> _accepted = new();
    private readonly WaitingLine<BrokerConnection> _connecting = new(core.Options.MaxConnecting, core.Options.MaxConnectingPerAddress);
    private readonly WaitingLine<BrokerConnection> _refused = new(core.Options.MaxDelayedRefusals, core.Options.MaxDelayedRefusalsPerAddress);
    private readonly WaitingLine<BrokerConnection> _leaving = new(core.Options.MaxDelayedRefusals, core.Options.MaxDelayedRefusalsPerAddress);
    private bool _stopping;

    /// <summary>Whose login is not accepted yet.</summary>
    public int Connecting
    {
        get
        {
            lock (_gate)
            {
                return _connecting.Count;
            }
        }
    }

    /// <summary>Whose login is refused, and who are not told yet.</summary>
    public int Refused
    {
        get
        {
            lock (_gate)
            {
                return _refused.Count;
            }
        }
    }

    /// <summary>Bytes that wait for the sockets of all connections.</summary>
    public long OutboundBytes
    {
        get
        {
            lock (_gate)
            {
                return _connections.Sum(c => (long)c.Outbound.Length);
            }
        }
    }

    /// <summary>Who comes is let in always; where as many wait to log in as may, one of them goes for it.</summary>
    /// <returns>False when the broker stops, or has not loaded yet what was stored.</returns>
    public bool TryAdd(BrokerConnection connection)
    {
        BrokerConnection? oldest;
        lock (_gate)
        {
            if (_stopping || !core.IsReady)
            {
                return false;
            }

            _connections.Add(connection);
            core.Counters.ConnectionOpened();
            oldest = _connecting.Add(connection, connection.Address);
        }

        if (oldest is not null)
        {
            core.Counters.ConnectionRefused();
            oldest.Close(reason: null);
        }

        return true;
    }

    /// <summary>Its login is accepted: it gets a place among those that are logged in, where there is one.</summary>
    /// <param name="connection">Whose identity is known.</param>
    /// <param name="replaced">Gives its place up for it, whoever else has more; null for none.</param>
    /// <param name="evicted">Of the largest holder: to be closed, for it has given up its place.</param>
    public bool TryAccept(BrokerConnection connection, BrokerConnection? replaced, out BrokerConnection? evicted)
    {
        evicted = null;
        var holder = connection.Identity.Holder;
        lock (_gate)
        {
            var givesPlace = replaced is not null && _accepted.Remove(replaced);
            if (!givesPlace
                && _accepted.Count >= core.Options.MaxConnections
                && !_accepted.TryFindExcess(holder, isPreferred: static _ => false, out evicted))
            {
                return false;
            }

            if (evicted is not null)
            {
                _accepted.Remove(evicted);
            }

            _connecting.Remove(connection);
            _accepted.Add(holder, connection);
            return true;
        }
    }

    /// <summary>It was told why it ends and reads that: it stands in nobody's way meanwhile.</summary>
    public void Leave(BrokerConnection connection)
    {
        BrokerConnection? oldest;
        lock (_gate)
        {
            if (!_connections.Contains(connection))
            {
                return;
            }

            GiveUpPlace(connection);
            oldest = _leaving.Add(connection, connection.Address);
        }

        oldest?.Abort();
    }

    /// <summary>Its login is refused: it stands in nobody's way while it waits to be told.</summary>
    public void Refuse(BrokerConnection connection)
    {
        BrokerConnection? oldest = null;
        lock (_gate)
        {
            // Another may have pushed it out meanwhile: it is being closed.
            if (_connecting.Remove(connection))
            {
                oldest = _refused.Add(connection, connection.Address);
            }
        }

        oldest?.TellRefusal();
    }

    public void Remove(BrokerConnection connection)
    {
        lock (_gate)
        {
            GiveUpPlace(connection);
            if (_connections.Remove(connection))
            {
                core.Counters.ConnectionClosed();
            }
        }
    }

    /// <summary>Tells every connection to go, and waits for them at most as long as a drain may take, twice: to flush and to be cut.</summary>
    public async Task StopAsync(CancellationToken ct)
    {
        BrokerConnection[] all;
        lock (_gate)
        {
            all = [.. _connections];
            if (!_stopping)
            {
                BrokerLog.Stopping(core.Logger, all.Length);
            }

            _stopping = true;
        }

        await CloseAsync(all, MqttReasonCode.ServerShuttingDown, ct).ConfigureAwait(false);
    }

    /// <summary>Nothing that a connection sends is heeded once this is called; the wait is for its goodbye.</summary>
    public async Task CloseAsync(IReadOnlyList<BrokerConnection> connections, MqttReasonCode reason, CancellationToken ct)
    {
        var closed = new Task[connections.Count];
        for (var i = 0; i < closed.Length; i++)
        {
            closed[i] = connections[i].WhenClosedAsync();
            connections[i].Close(reason);
        }

        try
        {
            await Task.WhenAll(closed).WaitAsync(core.Options.DrainTimeout * 2, core.Clock.Time, ct).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            foreach (var connection in connections)
            {
                connection.Abort();
            }
        }
    }

    private void GiveUpPlace(BrokerConnection connection)
    {
        _connecting.Remove(connection);
        _refused.Remove(connection);
        _leaving.Remove(connection);
        _accepted.Remove(connection);
    }

    /// <summary>
    /// What was written last lies with the transport now. A peer that does not take it would hold the socket open for ever: it is cut when the
    /// time for a goodbye is over.
    /// </summary>
    public void AbortUnlessClosed(Action abort, CancellationToken closed)
    {
        if (closed.IsCancellationRequested)
        {
            return;
        }

        var linger = new Linger(abort);
        core.Deadlines.Set(linger, core.Clock.Now + (long)core.Options.DrainTimeout.TotalMilliseconds);
        closed.UnsafeRegister(state => core.Deadlines.Cancel((Linger)state!), linger);
    }

    private sealed class Linger(Action abort) : Deadline
    {
        public override void OnDue(long now) => abort();
    }
}
