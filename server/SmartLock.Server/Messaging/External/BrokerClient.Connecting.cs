namespace SmartLock.Server.Messaging.External;

/// <summary>The loop that connects, waits for the connection's end, and connects again.</summary>
internal sealed partial class BrokerClient
{
    private async Task KeepConnectedAsync(CancellationToken stop)
    {
        var attempt = 0;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var began = _time.GetTimestamp();
                var failure = await ConnectUntilEndAsync(stop);

                // Only a connection that lasted resets the delays; a broker that accepts and drops again and again must not.
                attempt = _time.GetElapsedTime(began) >= BrokerClientLimits.ReconnectMaximum ? 1 : attempt + 1;
                var delay = DelayOf(attempt);
                if (failure is not null)
                {
                    Raise(() => ConnectFailed?.Invoke(this, new BrokerConnectFailedEventArgs(failure, delay)));
                }

                await Task.Delay(delay, _time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop.
            return;
        }
    }

    /// <summary>One connection from its opening to its end.</summary>
    /// <returns>Why it could not be opened, or null.</returns>
    private async Task<string?> ConnectUntilEndAsync(CancellationToken stop)
    {
        using var connection = new BrokerConnection(++_connections, _options, _time);
        var isFirst = Volatile.Read(ref _connection) is null;
        if (await connection.OpenAsync(isFirst, _inbox.Offer, stop) is { } failure)
        {
            return failure;
        }

        if (connection.IsResumed)
        {
            _inbox.Resume(connection);
        }

        Volatile.Write(ref _connection, connection);
        Raise(() => Connected?.Invoke(this, EventArgs.Empty));
        var end = await EndOfAsync(connection, stop);
        Raise(() => Disconnected?.Invoke(this, end));
        return null;
    }

    private async Task<BrokerDisconnectedEventArgs> EndOfAsync(BrokerConnection connection, CancellationToken stop)
    {
        try
        {
            return new BrokerDisconnectedEventArgs(await connection.Ended.WaitAsync(stop));
        }
        catch (OperationCanceledException)
        {
            using var timeout = new CancellationTokenSource(BrokerClientLimits.DrainTimeout, _time);
            await UnsubscribeAndDrainAsync(connection, timeout.Token);
            return await connection.CloseAsync(timeout.Token)
                ? new BrokerDisconnectedEventArgs("Requested", wasRequested: true)
                : new BrokerDisconnectedEventArgs(await connection.Ended);
        }
    }

    /// <summary>Unsubscribing comes first, so that the broker gives later messages of a shared subscription to other replicas.</summary>
    private async Task UnsubscribeAndDrainAsync(BrokerConnection connection, CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _hasUnsubscribed, true))
        {
            return;
        }

        using var timeout = new CancellationTokenSource(BrokerClientLimits.DrainTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            if (_subscriptions.Filters is { Count: > 0 } filters && await connection.UnsubscribeAsync(filters, either.Token))
            {
                await connection.AllOfferedAsync(either.Token);
                await _inbox.DrainAsync(either.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The broker redelivers what is not acknowledged by now.
            LogNotDrained();
        }
    }

    /// <summary>Doubles with every attempt; a random half of it is left out, so that replicas do not reconnect in step.</summary>
    private static TimeSpan DelayOf(int attempt)
    {
        var doubled = BrokerClientLimits.ReconnectMinimum * (1L << Math.Min(attempt - 1, 30));
        var step = doubled < BrokerClientLimits.ReconnectMaximum ? doubled : BrokerClientLimits.ReconnectMaximum;
        return step * (0.5 + (Random.Shared.NextDouble() / 2));
    }

    private void Raise(Action listeners)
    {
        try
        {
            listeners();
        }
        catch (Exception e)
        {
            // A listener belongs to a feature: its failure must not end the connection.
            LogListenerFailed(e);
        }
    }

    [LoggerMessage(11, LogLevel.Error, "A listener to the broker client's events failed")]
    private partial void LogListenerFailed(Exception exception);

    [LoggerMessage(12, LogLevel.Warning, "The server stops with received messages that are not handled; the broker redelivers them")]
    private partial void LogNotDrained();
}
