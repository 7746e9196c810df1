using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

/// <summary>
/// The sending half of a session: QoS 1 and 2 messages in the order in which they were published, bounded, kept over
/// reconnects and sent as far as the broker's receive maximum allows (section 4.9).
/// </summary>
internal sealed class OutgoingMessages(int limit) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _slots = new(limit, limit);
    private readonly LinkedList<PendingPublish> _messages = new();
    private readonly Dictionary<ushort, LinkedListNode<PendingPublish>> _byId = [];
    private readonly HashSet<ushort> _requestIds = [];
    private LinkedListNode<PendingPublish>? _next;
    private ClientConnection? _connection;
    private ushort _lastId;
    private long _releases;
    private int _inFlight;
    private bool _isClosed;

    /// <summary>Waits for a slot, then queues the message and sends it if that is possible now.</summary>
    public async ValueTask<PendingPublish> AddAsync(MqttMessage message, CancellationToken cancellationToken)
    {
        var pending = new PendingPublish(message, OutgoingPublish.EncodeProperties(message.Properties));
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        ClientConnection? connection;
        lock (_gate)
        {
            if (_isClosed)
            {
                // Wakes the next one that waits, so that all of them learn it.
                _slots.Release();
                pending.Complete(new MqttPublishResult(MqttPublishOutcome.Abandoned));
                return pending;
            }

            var node = _messages.AddLast(pending);
            _next ??= node;
            connection = _connection;
            Send();
        }

        connection?.Output.Flush();
        return pending;
    }

    /// <summary>Takes back a message whose publisher gave up, unless it is already on its way.</summary>
    public void Withdraw(PendingPublish pending)
    {
        lock (_gate)
        {
            if (pending.PacketId == 0 && _messages.Find(pending) is { } node)
            {
                Remove(node);
            }
        }
    }

    /// <summary>
    /// Prepares for a new connection; <see cref="Resume"/> begins to send. With the session resumed, what was sent before is sent again in order: PUBREL for
    /// what the broker already owns, else PUBLISH with DUP. Without, the broker knows nothing of it: all is sent as new.
    /// </summary>
    public void Attach(ClientConnection connection, bool sessionPresent)
    {
        lock (_gate)
        {
            _connection = connection;
            _requestIds.Clear();
            _inFlight = 0;
            for (var node = _messages.First; node is not null;)
            {
                var following = node.Next;
                Prepare(node, sessionPresent);
                node = following;
            }

            foreach (var released in _messages.Where(m => m.State == PublishState.Released).OrderBy(m => m.ReleaseOrder))
            {
                connection.Output.Append(new AckPacket(MqttPacketType.PubRel, released.PacketId));
            }

            _next = _messages.First;
        }
    }

    public void Resume()
    {
        lock (_gate)
        {
            Send();
        }
    }

    public void Detach(ClientConnection connection)
    {
        lock (_gate)
        {
            if (_connection == connection)
            {
                _connection = null;
            }
        }
    }

    /// <summary>An identifier for a SUBSCRIBE or UNSUBSCRIBE on this connection.</summary>
    public bool TryRentRequestId(out ushort id)
    {
        lock (_gate)
        {
            return TryNextId(out id) && _requestIds.Add(id);
        }
    }

    public void ReturnRequestId(ClientConnection connection, ushort id)
    {
        lock (_gate)
        {
            if (_connection == connection)
            {
                _requestIds.Remove(id);
            }
        }
    }

    /// <exception cref="MqttProtocolException">The acknowledgement does not fit what was sent.</exception>
    public void OnAcknowledged(in AckPacket ack)
    {
        lock (_gate)
        {
            if (!_byId.TryGetValue(ack.PacketId, out var node))
            {
                AnswerUnknown(ack);
                return;
            }

            var pending = node.Value;
            var isExactlyOnce = pending.Message.QoS == MqttQoS.ExactlyOnce;
            switch (ack.Type)
            {
                case MqttPacketType.PubAck when !isExactlyOnce && pending.State == PublishState.Sent:
                    Finish(node, ack.ReasonCode);
                    break;
                case MqttPacketType.PubRec when isExactlyOnce && ack.ReasonCode.IsFailure():
                    Finish(node, ack.ReasonCode);
                    break;
                case MqttPacketType.PubRec when isExactlyOnce && pending.State != PublishState.Queued:
                    pending.ReleaseOrder = pending.State == PublishState.Released ? pending.ReleaseOrder : ++_releases;
                    pending.State = PublishState.Released;
                    _connection?.Output.Append(new AckPacket(MqttPacketType.PubRel, pending.PacketId));
                    break;
                case MqttPacketType.PubComp when pending.State == PublishState.Released:
                    // "Packet identifier not found" ends the exchange as well: the broker took the message at PUBREC.
                    Finish(node, MqttReasonCode.Success);
                    break;
                default:
                    MqttProtocolException.ThrowProtocolError("An acknowledgement does not fit the state of its exchange.");
                    break;
            }

            Send();
        }
    }

    /// <summary>
    /// Answers every publisher that still waits; nothing is taken afterwards. The semaphore holds no handle and is left as it
    /// is: those who wait for a slot must still be woken by it.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            _connection = null;
            while (_messages.First is { } node)
            {
                Remove(node);
                node.Value.Complete(new MqttPublishResult(MqttPublishOutcome.Abandoned));
            }
        }
    }

    private void Prepare(LinkedListNode<PendingPublish> node, bool sessionPresent)
    {
        var pending = node.Value;
        pending.HoldsQuota = false;
        if (pending.State == PublishState.Released)
        {
            if (sessionPresent)
            {
                return;
            }

            // The session that owned the message is gone, but the message had arrived.
            Finish(node, MqttReasonCode.Success);
            return;
        }

        pending.IsDuplicate = sessionPresent && (pending.IsDuplicate || pending.State == PublishState.Sent);
        pending.State = PublishState.Queued;
    }

    private void Send()
    {
        while (_connection is { } connection && _next is { } node)
        {
            var following = node.Next;
            if (node.Value.State == PublishState.Queued)
            {
                if (_inFlight >= connection.ReceiveMaximum)
                {
                    return;
                }

                SendOne(connection, node);
            }

            _next = following;
        }
    }

    private void SendOne(ClientConnection connection, LinkedListNode<PendingPublish> node)
    {
        var pending = node.Value;
        if (connection.RefusalOf(pending.Message, pending.Properties.Length) is { } refusal)
        {
            Remove(node);
            pending.Complete(MqttPublishResult.Refused(refusal));
            return;
        }

        if (pending.PacketId == 0)
        {
            // The bound on pending messages is below the number of identifiers, so one is free unless requests hold it.
            if (!TryNextId(out var id))
            {
                throw new InvalidOperationException("No packet identifier is free.");
            }

            pending.PacketId = id;
            _byId.Add(id, node);
        }

        pending.State = PublishState.Sent;
        pending.HoldsQuota = true;
        _inFlight++;
        connection.AppendPublish(pending.Message, pending.Properties, pending.PacketId, pending.IsDuplicate);
    }

    private void AnswerUnknown(in AckPacket ack)
    {
        if (ack.Type == MqttPacketType.PubRec && !ack.ReasonCode.IsFailure())
        {
            _connection?.Output.Append(new AckPacket(MqttPacketType.PubRel, ack.PacketId, MqttReasonCode.PacketIdentifierNotFound));
        }
    }

    private void Finish(LinkedListNode<PendingPublish> node, MqttReasonCode reasonCode)
    {
        Remove(node);
        node.Value.Complete(reasonCode.IsFailure()
            ? MqttPublishResult.Refused(reasonCode)
            : new MqttPublishResult(MqttPublishOutcome.Delivered, reasonCode));
    }

    private void Remove(LinkedListNode<PendingPublish> node)
    {
        if (_next == node)
        {
            _next = node.Next;
        }

        _messages.Remove(node);
        if (node.Value.PacketId != 0)
        {
            _byId.Remove(node.Value.PacketId);
        }

        _inFlight -= node.Value.HoldsQuota ? 1 : 0;
        _slots.Release();
    }

    private bool TryNextId(out ushort id)
    {
        for (var i = 0; i < ushort.MaxValue; i++)
        {
            _lastId = _lastId == ushort.MaxValue ? (ushort)1 : (ushort)(_lastId + 1);
            if (!_byId.ContainsKey(_lastId) && !_requestIds.Contains(_lastId))
            {
                id = _lastId;
                return true;
            }
        }

        id = 0;
        return false;
    }
}
