using Microsoft.Extensions.Logging;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

/// <summary>
/// The receiving half of a session: hands messages to the handler one by one in their order, acknowledges them in that
/// order, and remembers the identifiers of QoS 2 messages until they are released, so that each is handed over once.
/// </summary>
internal sealed class IncomingMessages(
    MqttClientOptions options,
    Func<MqttReceivedMessage, CancellationToken, ValueTask>? handler,
    ILogger logger,
    CancellationToken lifetime)
{
    private readonly Lock _gate = new();
    private readonly Queue<MqttReceivedMessage> _queue = new();
    private readonly Queue<MqttReceivedMessage> _unacknowledged = new();
    private Dictionary<ushort, MqttReceivedMessage>? _unreleased;
    private ClientConnection? _connection;
    private TaskCompletionSource? _idle;
    private bool _isDispatching;
    private int _outstanding;
    private long _dropped;

    /// <summary>QoS 0 messages that found the queue full, and others of a lost session that did.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public void Attach(ClientConnection connection, bool sessionPresent)
    {
        lock (_gate)
        {
            _connection = connection;
            _unacknowledged.Clear();
            _outstanding = 0;
            if (!sessionPresent)
            {
                _unreleased = null;
            }

            DropStale(sessionPresent);
        }
    }

    /// <summary>
    /// What still waits for the handler: a broker that kept the session sends its unacknowledged QoS 1 messages again, so they would be
    /// there twice, and once more with every reconnect; without the session nothing else bounds what connections leave behind.
    /// </summary>
    private void DropStale(bool sessionPresent)
    {
        var kept = 0;
        for (var i = _queue.Count; i > 0; i--)
        {
            var message = _queue.Dequeue();
            if (sessionPresent && message.QoS == MqttQoS.AtLeastOnce)
            {
                continue;
            }

            if (!sessionPresent && kept >= options.ReceiveQueueLimit)
            {
                Drop();
                continue;
            }

            kept++;
            _queue.Enqueue(message);
        }
    }

    /// <summary>Completes when no message waits for the handler or is in its hands.</summary>
    public Task HandledAsync()
    {
        lock (_gate)
        {
            if (!_isDispatching)
            {
                return Task.CompletedTask;
            }

            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _idle.Task;
        }
    }

    /// <summary>Forgets what was not yet handed over, as a device without power does.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _queue.Clear();
        }
    }

    /// <exception cref="MqttProtocolException">More messages are unacknowledged than this client allowed.</exception>
    public void OnPublish(ClientConnection connection, in PublishPacket packet, string topic)
    {
        lock (_gate)
        {
            if (packet.QoS == MqttQoS.AtMostOnce)
            {
                if (_queue.Count >= options.ReceiveQueueLimit)
                {
                    Drop();
                    return;
                }

                Enqueue(ToMessage(connection, packet, topic));
                return;
            }

            if (packet.QoS == MqttQoS.ExactlyOnce && _unreleased is not null && _unreleased.TryGetValue(packet.PacketId, out var known))
            {
                Rebind(known, connection);
                return;
            }

            CountOutstanding();
            var message = ToMessage(connection, packet, topic);
            if (packet.QoS == MqttQoS.ExactlyOnce)
            {
                _unreleased ??= [];
                _unreleased.Add(packet.PacketId, message);
            }

            _unacknowledged.Enqueue(message);
            Enqueue(message);
        }
    }

    public void OnPubRel(ClientConnection connection, in AckPacket packet)
    {
        lock (_gate)
        {
            var isKnown = _unreleased?.Remove(packet.PacketId) == true;

            // Not below zero: the PUBREL may end an exchange that an earlier connection began.
            _outstanding = Math.Max(0, _outstanding - (isKnown ? 1 : 0));
            var reasonCode = isKnown ? MqttReasonCode.Success : MqttReasonCode.PacketIdentifierNotFound;
            connection.Output.Append(new AckPacket(MqttPacketType.PubComp, packet.PacketId, reasonCode));
        }
    }

    public ValueTask AcknowledgeAsync(MqttReceivedMessage message, MqttReasonCode reasonCode, CancellationToken cancellationToken)
    {
        ClientConnection connection;
        lock (_gate)
        {
            if (message.QoS == MqttQoS.AtMostOnce || message.Acknowledgement is not null)
            {
                return ValueTask.CompletedTask;
            }

            message.Acknowledgement = reasonCode;
            connection = message.Connection;

            // Of an earlier connection: the broker sends QoS 1 again, and QoS 2 is answered when it does so.
            if (connection != _connection)
            {
                return ValueTask.CompletedTask;
            }

            SendAcknowledgements(connection);
        }

        connection.Output.Flush();
        return connection.IsEnded ? ValueTask.CompletedTask : connection.Output.WaitForRoomAsync(cancellationToken);
    }

    private void SendAcknowledgements(ClientConnection connection)
    {
        while (_unacknowledged.TryPeek(out var first) && first.Acknowledgement is { } reasonCode)
        {
            _unacknowledged.Dequeue();
            var type = first.QoS == MqttQoS.AtLeastOnce ? MqttPacketType.PubAck : MqttPacketType.PubRec;
            var isRefusal = reasonCode.IsFailure() && options.ProtocolVersion == MqttProtocolVersion.V500;
            if (type == MqttPacketType.PubRec && isRefusal)
            {
                // A refusing PUBREC ends the exchange: no PUBREL follows.
                _unreleased?.Remove(first.PacketId);
            }

            _outstanding -= type == MqttPacketType.PubAck || isRefusal ? 1 : 0;

            connection.Output.Append(new AckPacket(type, first.PacketId, reasonCode));
        }
    }

    /// <summary>A QoS 2 message sent again after a reconnect: not handed over twice, but answered on the new connection.</summary>
    private void Rebind(MqttReceivedMessage known, ClientConnection connection)
    {
        if (known.Connection == connection && known.Acknowledgement is null)
        {
            return;
        }

        if (known.Connection != connection)
        {
            CountOutstanding();
        }

        known.Connection = connection;
        _unacknowledged.Enqueue(known);
        SendAcknowledgements(connection);
    }

    private void CountOutstanding()
    {
        if (++_outstanding > options.ReceiveMaximum && options.ProtocolVersion == MqttProtocolVersion.V500)
        {
            MqttProtocolException.Throw(MqttReasonCode.ReceiveMaximumExceeded, "The broker exceeded the receive maximum.");
        }
    }

    private MqttReceivedMessage ToMessage(ClientConnection connection, in PublishPacket packet, string topic)
    {
        return new MqttReceivedMessage(this, connection, packet.PacketId)
        {
            Topic = topic,
            Payload = packet.Payload.ToArray(),
            QoS = packet.QoS,
            Retain = packet.Retain,
            Duplicate = packet.Duplicate,
            Properties = packet.DecodeProperties(),
        };
    }

    private void Drop()
    {
        var count = Interlocked.Increment(ref _dropped);

        // At powers of two, so that a flood does not become a flood of log lines.
        if ((count & (count - 1)) == 0)
        {
            logger.MessagesDropped(options.ClientId, count);
        }
    }

    private void Enqueue(MqttReceivedMessage message)
    {
        _queue.Enqueue(message);
        if (!_isDispatching)
        {
            _isDispatching = true;

            // Not on the reading thread: a handler that publishes waits for an answer which that thread reads.
            _ = Task.Run(DispatchAsync, CancellationToken.None);
        }
    }

    private async Task DispatchAsync()
    {
        while (Next() is { } message)
        {
            var reasonCode = await HandleAsync(message).ConfigureAwait(false);
            if (!options.AcknowledgeManually || handler is null)
            {
                await AcknowledgeQuietlyAsync(message, reasonCode).ConfigureAwait(false);
            }
        }
    }

    private async Task<MqttReasonCode> HandleAsync(MqttReceivedMessage message)
    {
        try
        {
            if (handler is not null)
            {
                await handler(message, lifetime).ConfigureAwait(false);
            }

            return MqttReasonCode.Success;
        }
        catch (Exception e)
        {
            // The handler is foreign code: its failure must not end the dispatch of later messages.
            logger.HandlerFailed(options.ClientId, e);
            return MqttReasonCode.ImplementationSpecificError;
        }
    }

    private async Task AcknowledgeQuietlyAsync(MqttReceivedMessage message, MqttReasonCode reasonCode)
    {
        try
        {
            await AcknowledgeAsync(message, reasonCode, lifetime).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            logger.AcknowledgementLost(options.ClientId, e.GetType().Name);
        }
    }

    private MqttReceivedMessage? Next()
    {
        lock (_gate)
        {
            if (!lifetime.IsCancellationRequested && _queue.TryDequeue(out var message))
            {
                return message;
            }

            _isDispatching = false;
            _idle?.SetResult();
            _idle = null;
            return null;
        }
    }
}
