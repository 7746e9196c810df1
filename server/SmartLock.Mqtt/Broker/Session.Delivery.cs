namespace SmartLock.Mqtt.Broker;

internal sealed partial class Session
{
    private const int LargestIdleQueue = 64;

    private Inflight? _inflight;
    private Queue<HeldDelivery>? _queue;
    private long _queuedBytes;
    private HashSet<ushort>? _received;

    /// <summary>A hint for shared subscriptions: connected, and would be sent a message at once.</summary>
    public bool HasRoom
    {
        get
        {
            return Connection is { } connection
                && connection.Outbound.HasRoom
                && (Volatile.Read(ref _inflight) is not { } inflight || inflight.HasRoom(connection.Window));
        }
    }

    /// <summary>Sends, or keeps for later what may wait. Never waits itself.</summary>
    /// <returns>True when it was written or queued.</returns>
    public bool Deliver(ref Publication publication, in DeliveryTerms terms, ref Turn turn)
    {
        if (terms.QoS == MqttQoS.AtMostOnce)
        {
            return DeliverNow(publication, terms, ref turn);
        }

        lock (Gate)
        {
            if (HasEnded)
            {
                return false;
            }

            if (_storedAs != 0)
            {
                return DeliverStored(ref publication, terms, ref turn);
            }

            if (_connection is { } connection
                && _queue is not { Count: > 0 }
                && (_inflight ??= new Inflight()).HasRoom(connection.Window))
            {
                var held = new HeldDelivery(publication.Store(), terms);
                switch (Send(connection, held, _inflight.NextId, duplicate: false, ref turn))
                {
                    case OutboundResult.Written:
                        held.Message.Hold();
                        _inflight.Add(held);
                        return true;
                    case OutboundResult.TooLarge:
                        return Drop(MqttDropReason.TooLarge);
                    default:
                        break;
                }
            }

            return Enqueue(ref publication, terms, ref turn);
        }
    }

    /// <summary>Sends what waits, as far as there is room.</summary>
    public void Pump(BrokerConnection connection, ref Turn turn)
    {
        lock (Gate)
        {
            if (_connection == connection && Resend(connection, ref turn))
            {
                SendQueued(connection, ref turn);
            }
        }
    }

    /// <summary>PUBACK, PUBCOMP, or a PUBREC that refuses: makes room in the window.</summary>
    public bool Complete(BrokerConnection connection, ushort id, InflightStep step, MqttQoS qos, ref Turn turn)
    {
        lock (Gate)
        {
            var sequence = _inflight?.SequenceOf(id) ?? 0;
            if (_connection != connection || _inflight is null || !_inflight.TryComplete(id, step, qos))
            {
                return false;
            }

            StoreCompleted(sequence, ref turn);

            if (_queue is { Count: > 0 } || _inflight.Span > 0)
            {
                Pump(connection, ref turn);
            }

            return true;
        }
    }

    /// <summary>PUBREC.</summary>
    public bool Receive(BrokerConnection connection, ushort id, ref Turn turn)
    {
        lock (Gate)
        {
            if (_connection != connection || _inflight is null || !_inflight.TryReceive(id))
            {
                return false;
            }

            StoreReceived(_inflight.SequenceOf(id), ref turn);
            return true;
        }
    }

    /// <summary>A QoS 2 PUBLISH from the client.</summary>
    /// <param name="id">Its packet identifier.</param>
    /// <param name="limit">How many may be under way.</param>
    /// <param name="isNew">False when it was published before.</param>
    /// <param name="turn">Its answer waits until the identifier is stored.</param>
    /// <returns>False when more are under way than may be.</returns>
    public bool TryAddReceived(ushort id, int limit, out bool isNew, ref Turn turn)
    {
        lock (Gate)
        {
            _received ??= [];
            isNew = !_received.Contains(id);
            if (!isNew)
            {
                return true;
            }

            if (_received.Count >= limit)
            {
                return false;
            }

            StoreIncoming(id, isAdded: true, ref turn);
            return _received.Add(id);
        }
    }

    /// <summary>PUBREL.</summary>
    public bool RemoveReceived(ushort id, ref Turn turn)
    {
        lock (Gate)
        {
            if (_received is null || !_received.Remove(id))
            {
                return false;
            }

            StoreIncoming(id, isAdded: false, ref turn);
            return true;
        }
    }
}
