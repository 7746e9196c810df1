using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

public sealed partial class MqttClient
{
    private bool IsRunning => _running is { IsCompleted: false } && !_stop.IsCancellationRequested;

    public ValueTask<MqttPublishResult> PublishAsync(
        string topic,
        ReadOnlyMemory<byte> payload,
        MqttQoS qos = MqttQoS.AtMostOnce,
        bool retain = false,
        MqttProperties? properties = null,
        CancellationToken cancellationToken = default)
    {
        return PublishAsync(new MqttMessage(topic, payload) { QoS = qos, Retain = retain, Properties = properties }, cancellationToken);
    }

    /// <summary>
    /// QoS 0: completes when the message was handed to the network; without a connection it fails at once. QoS 1 and 2:
    /// completes when the broker has acknowledged it, over reconnects if need be; without a connection it is queued. While
    /// MaxPending messages are pending, it waits. The payload must not change until then.
    /// </summary>
    /// <param name="message">Topic aliases are chosen by the client, so its properties must not name one.</param>
    /// <param name="cancellationToken">Ends the wait; a message that was sent already may still arrive.</param>
    /// <exception cref="ArgumentException">The topic name is not valid, or a property is not one of a PUBLISH.</exception>
    public ValueTask<MqttPublishResult> PublishAsync(MqttMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (!MqttTopic.IsValidName(message.Topic) || !Enum.IsDefined(message.QoS))
        {
            throw new ArgumentException("The topic name or the QoS is not valid.", nameof(message));
        }

        if (message.Properties is { TopicAlias: not null } or { SubscriptionIdentifiers: not null })
        {
            throw new ArgumentException("Topic alias and subscription identifiers are not the publisher's to set.", nameof(message));
        }

        return message.QoS == MqttQoS.AtMostOnce
            ? PublishOnceAsync(message, cancellationToken)
            : PublishSurelyAsync(message, cancellationToken);
    }

    /// <summary>
    /// Subscribes and returns one reason code per filter. A started client that is not connected waits for the connection.
    /// Filters that were granted are subscribed again when a later connection finds no session. A request larger than the broker
    /// takes is not sent: every code then says packet too large.
    /// </summary>
    /// <exception cref="ArgumentException">A filter or its options are not valid.</exception>
    /// <exception cref="MqttNotConnectedException">Neither connected nor started, or the connection was lost and is not restored.</exception>
    public async Task<IReadOnlyList<MqttReasonCode>> SubscribeAsync(
        IReadOnlyList<MqttSubscription> subscriptions,
        MqttProperties? properties = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(subscriptions);
        Check(subscriptions);
        var codes = await RequestAsync(
            connection => SendSubscribeAsync(connection, subscriptions, properties),
            cancellationToken).ConfigureAwait(false);
        Forget(subscriptions.Where((_, i) => codes[i].IsFailure()).Select(s => s.Filter));
        return codes;
    }

    public async Task<MqttReasonCode> SubscribeAsync(
        string filter,
        MqttQoS maximumQoS = MqttQoS.AtMostOnce,
        CancellationToken cancellationToken = default)
    {
        var codes = await SubscribeAsync([new MqttSubscription(filter, maximumQoS)], null, cancellationToken).ConfigureAwait(false);
        return codes[0];
    }

    /// <summary>
    /// Returns one reason code per filter; over 3.1.1 they all read success. A request larger than the broker takes is not sent:
    /// every code then says packet too large.
    /// </summary>
    /// <exception cref="ArgumentException">A filter is not valid.</exception>
    /// <exception cref="MqttNotConnectedException">Neither connected nor started, or the connection was lost and is not restored.</exception>
    public Task<IReadOnlyList<MqttReasonCode>> UnsubscribeAsync(
        IReadOnlyList<string> filters,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filters);
        CheckFilters(filters);
        Forget(filters);
        return RequestAsync(
            connection => SendRequestAsync(
                connection,
                MqttPacketType.UnsubAck,
                filters.Count,
                (id, output) => new UnsubscribePacket(id, filters).WriteTo(output, _options.ProtocolVersion)),
            cancellationToken);
    }

    private static void Check(IReadOnlyList<MqttSubscription> subscriptions)
    {
        CheckFilters(subscriptions.Select(s => s.Filter));
        foreach (var subscription in subscriptions)
        {
            if (!Enum.IsDefined(subscription.MaximumQoS)
                || !Enum.IsDefined(subscription.RetainHandling)
                || (subscription.NoLocal && MqttTopicFilter.IsShared(subscription.Filter)))
            {
                throw new ArgumentException("A subscription's options are not valid.", nameof(subscriptions));
            }
        }
    }

    private static void CheckFilters(IEnumerable<string> filters)
    {
        var count = 0;
        foreach (var filter in filters)
        {
            count++;
            if (!MqttTopicFilter.IsValid(filter))
            {
                throw new ArgumentException("A topic filter is not valid.", nameof(filters));
            }
        }

        ArgumentOutOfRangeException.ThrowIfZero(count, nameof(filters));
    }

    private ValueTask<MqttPublishResult> PublishOnceAsync(MqttMessage message, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _connection) is not { IsEnded: false } connection)
        {
            return new(new MqttPublishResult(MqttPublishOutcome.NotConnected));
        }

        var properties = OutgoingPublish.EncodeProperties(message.Properties);
        if (connection.RefusalOf(message, properties.Length) is { } refusal)
        {
            return new(MqttPublishResult.Refused(refusal));
        }

        var room = connection.Output.WaitForRoomAsync(cancellationToken);
        if (!room.IsCompletedSuccessfully)
        {
            return FinishAsync(room, connection, message, properties, cancellationToken);
        }

        var batch = connection.AppendPublish(message, properties, 0, isDuplicate: false);
        connection.Output.Flush();
        var written = connection.Output.WrittenAsync(batch, cancellationToken);
        return written.IsCompletedSuccessfully
            ? new(new MqttPublishResult(MqttPublishOutcome.Delivered))
            : FinishAsync(written);
    }

    private static async ValueTask<MqttPublishResult> FinishAsync(
        ValueTask room,
        ClientConnection connection,
        MqttMessage message,
        byte[] properties,
        CancellationToken cancellationToken)
    {
        try
        {
            await room.ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new MqttPublishResult(MqttPublishOutcome.NotConnected);
        }

        var batch = connection.AppendPublish(message, properties, 0, isDuplicate: false);
        connection.Output.Flush();
        return await FinishAsync(connection.Output.WrittenAsync(batch, cancellationToken)).ConfigureAwait(false);
    }

    private static async ValueTask<MqttPublishResult> FinishAsync(ValueTask written)
    {
        try
        {
            await written.ConfigureAwait(false);
            return new MqttPublishResult(MqttPublishOutcome.Delivered);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The transport failed under the message; the connection reports the cause.
            return new MqttPublishResult(MqttPublishOutcome.NotConnected);
        }
    }

    private async ValueTask<MqttPublishResult> PublishSurelyAsync(MqttMessage message, CancellationToken cancellationToken)
    {
        var pending = await _outgoing.AddAsync(message, cancellationToken).ConfigureAwait(false);
        try
        {
            return await pending.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _outgoing.Withdraw(pending);
            throw;
        }
    }

    private async Task<ClientConnection> ConnectedAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task signal;
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_isDisposed, this);
                if (_connection is { IsEnded: false } connection)
                {
                    return connection;
                }

                if (!IsRunning)
                {
                    throw new MqttNotConnectedException("The client is not connected.");
                }

                _connected ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                signal = _connected.Task;
            }

            await signal.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until a lost connection has been taken down, so that it is not used again.</summary>
    private async Task WaitForEndAsync(ClientConnection connection, CancellationToken cancellationToken)
    {
        Task? reading;
        lock (_gate)
        {
            reading = _connection == connection ? _reading : null;
        }

        await (reading ?? Task.CompletedTask).WaitAsync(cancellationToken).ConfigureAwait(false);
    }
}
