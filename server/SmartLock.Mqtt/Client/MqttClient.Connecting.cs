using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

public sealed partial class MqttClient
{
    private async Task KeepConnectedAsync(Task previous, CancellationToken stop)
    {
        await previous.ConfigureAwait(false);
        var attempt = 0;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var began = _time.GetTimestamp();
                var failure = await StayConnectedAsync(stop).ConfigureAwait(false);

                // A connection that held proves the broker well; one that is dropped again and again must not reset the backoff.
                attempt = _time.GetElapsedTime(began) >= _options.ReconnectMaximum ? 1 : attempt + 1;
                var delay = ReconnectDelay.Of(_options, attempt, Random.Shared.NextDouble());
                if (failure is not null)
                {
                    _logger.ConnectFailed(ClientId, attempt, delay, failure.Message);
                    Raise(ConnectFailed, new MqttConnectFailedEventArgs(failure, delay), nameof(ConnectFailed));
                }

                await Task.Delay(delay, _time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop.
            return;
        }
    }

    /// <summary>One connection to its end; returns why there was none.</summary>
    private async Task<MqttConnectException?> StayConnectedAsync(CancellationToken stop)
    {
        try
        {
            await EstablishAsync(stop).ConfigureAwait(false);
        }
        catch (MqttConnectException e)
        {
            return e;
        }

        Task? reading;
        lock (_gate)
        {
            reading = _reading;
        }

        await (reading ?? Task.CompletedTask).ConfigureAwait(false);
        return null;
    }

    /// <summary>Null when the client is connected already.</summary>
    private async Task<MqttConnectResult?> EstablishAsync(CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Volatile.Read(ref _connection) is { } present)
            {
                if (!present.IsEnded)
                {
                    return null;
                }

                await WaitForEndAsync(present, cancellationToken).ConfigureAwait(false);
            }

            var (connection, connAck) = await AttemptAsync(cancellationToken).ConfigureAwait(false);
            await AdoptAsync(connection, connAck, cancellationToken).ConfigureAwait(false);
            return new MqttConnectResult(connAck.SessionPresent, connAck.Properties);
        }
        finally
        {
            _connecting.Release();
        }
    }

    private async Task<(ClientConnection Connection, ConnAckPacket ConnAck)> AttemptAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        ClientConnection? connection = null;
        try
        {
            var packet = CreateConnect();
            var transport = _options.Connector is { } connector
                ? await connector(both.Token).ConfigureAwait(false)
                : await StreamMqttConnection.ConnectAsync(_options, both.Token).ConfigureAwait(false);
            connection = new ClientConnection(transport, _options, _time, _logger);
            var connAck = await connection.ConnectAsync(packet, both.Token).ConfigureAwait(false);
            Check(connAck, packet);
            return (connection, connAck);
        }
        catch (Exception e)
        {
            if (connection is not null)
            {
                await DiscardAsync(connection, e).ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw e as MqttConnectException ?? new MqttConnectException(
                null,
                timeout.IsCancellationRequested ? "The broker did not answer in time." : $"Connecting failed: {e.Message}",
                e);
        }
    }

    private static async Task DiscardAsync(ClientConnection connection, Exception cause)
    {
        connection.Abort(new(MqttDisconnectCause.Aborted, MqttReasonCode.UnspecifiedError, cause));
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private static void Check(ConnAckPacket connAck, ConnectPacket connect)
    {
        if (connAck.ReasonCode != MqttReasonCode.Success)
        {
            var detail = connAck.Properties?.ReasonString is { } reason ? $" ({reason})" : string.Empty;
            throw new MqttConnectException(connAck.ReasonCode, $"The broker refused the connection: {connAck.ReasonCode}{detail}.");
        }

        if (connAck.SessionPresent && connect.CleanStart)
        {
            throw new MqttConnectException(MqttReasonCode.ProtocolError, "The broker claims a session where a new one was asked for.");
        }
    }

    private async Task AdoptAsync(ClientConnection connection, ConnAckPacket connAck, CancellationToken cancellationToken)
    {
        var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource? waiting = null;
        bool isWanted;
        lock (_gate)
        {
            isWanted = !cancellationToken.IsCancellationRequested && !_isDisposed;
            if (isWanted)
            {
                connection.Begin(connAck);
                _incoming.Attach(connection, connAck.SessionPresent);
                _outgoing.Attach(connection, connAck.SessionPresent);
                ClientId = connAck.Properties?.AssignedClientIdentifier ?? ClientId;
                _hasConnected = true;
                _connection = connection;
                _reading = ReadToEndAsync(connection, begin.Task);
                waiting = _connected;
                _connected = null;
            }
        }

        if (!isWanted)
        {
            await DiscardAsync(connection, new OperationCanceledException(cancellationToken)).ConfigureAwait(false);
            throw new OperationCanceledException(cancellationToken);
        }

        _logger.Connected(ClientId, connAck.SessionPresent);
        try
        {
            if (!connAck.SessionPresent)
            {
                Resubscribe(connection);
            }

            // After the subscriptions, so that an answer to what is sent now finds them.
            _outgoing.Resume();
            connection.Output.Flush();
            waiting?.TrySetResult();
            Raise(Connected, new MqttConnectedEventArgs(connAck.SessionPresent, connAck.Properties), nameof(Connected));
        }
        finally
        {
            begin.SetResult();
        }
    }

    /// <param name="connection">To be read to its end.</param>
    /// <param name="begin">Holds reading back until <see cref="Connected"/> was raised, so that events come in their order.</param>
    private async Task<ConnectionEnd> ReadToEndAsync(ClientConnection connection, Task begin)
    {
        await begin.ConfigureAwait(false);
        var end = await connection.ReadAsync(_outgoing, _incoming).ConfigureAwait(false);
        _outgoing.Detach(connection);
        lock (_gate)
        {
            _connection = _connection == connection ? null : _connection;
        }

        await connection.DisposeAsync().ConfigureAwait(false);
        _logger.Disconnected(ClientId, end.Cause, end.ReasonCode, end.Exception);
        Raise(Disconnected, new MqttDisconnectedEventArgs(end.Cause, end.ReasonCode, end.Exception), nameof(Disconnected));
        return end;
    }

    private ConnectPacket CreateConnect()
    {
        var isV5 = _options.ProtocolVersion == MqttProtocolVersion.V500;
        return new ConnectPacket
        {
            ProtocolVersion = _options.ProtocolVersion,
            CleanStart = _options.CleanStart && !(isV5 && _hasConnected),
            KeepAlive = (ushort)_options.KeepAlive.TotalSeconds,
            ClientId = ClientId,
            UserName = _options.UserName,
            Password = _options.Password?.Bytes,
            Will = _options.Will,
            Properties = isV5 ? CreateConnectProperties() : null,
        };
    }

    private MqttProperties CreateConnectProperties()
    {
        var expiry = _options.SessionExpiry.TotalSeconds;
        return new MqttProperties
        {
            SessionExpiryInterval = expiry == 0 ? null : expiry >= uint.MaxValue ? uint.MaxValue : (uint)expiry,
            ReceiveMaximum = _options.ReceiveMaximum,
            MaximumPacketSize = _options.MaximumPacketSize,
            TopicAliasMaximum = _options.TopicAliasMaximum == 0 ? null : _options.TopicAliasMaximum,
        };
    }

    private void Raise<T>(EventHandler<T>? listeners, T args, string name)
    {
        foreach (var listener in Delegate.EnumerateInvocationList(listeners))
        {
            try
            {
                listener(this, args);
            }
            catch (Exception e)
            {
                // Foreign code: its failure must not end the connection.
                _logger.ListenerFailed(ClientId, name, e);
            }
        }
    }
}
