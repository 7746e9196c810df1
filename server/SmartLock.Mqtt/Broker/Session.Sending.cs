using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

internal sealed partial class Session
{
    private bool DeliverNow(in Publication publication, in DeliveryTerms terms, ref Turn turn)
    {
        if (Connection is not { } connection)
        {
            return false;
        }

        var outgoing = new OutgoingPublish
        {
            Topic = publication.Topic,
            Properties = publication.Properties,
            Payload = publication.Payload,
            Retain = terms.Retain,
            MessageExpiryInterval = core.Clock.SecondsLeft(publication.ExpiresAt),
            SubscriptionIdentifiers = terms.GetIdentifiers(),
        };
        var result = connection.Outbound.TryWrite(outgoing, wake: false, ref turn);
        if (result == OutboundResult.Written)
        {
            turn.Counters.Sent++;
            return true;
        }

        return result switch
        {
            OutboundResult.Full => Drop(MqttDropReason.SlowReader),
            OutboundResult.TooLarge => Drop(MqttDropReason.TooLarge),
            _ => false,
        };
    }

    private OutboundResult Send(BrokerConnection connection, in HeldDelivery held, ushort id, bool duplicate, ref Turn turn)
    {
        var message = held.Message;
        var outgoing = new OutgoingPublish
        {
            Topic = message.Topic,
            Properties = message.Properties,
            Payload = message.Payload,
            QoS = held.Terms.QoS,
            Retain = held.Terms.Retain,
            PacketId = id,
            Duplicate = duplicate,
            MessageExpiryInterval = core.Clock.SecondsLeft(message.ExpiresAt),
            SubscriptionIdentifiers = held.Terms.GetIdentifiers(),
        };
        var result = connection.Outbound.TryWrite(outgoing, wake: true, ref turn, held.Batch);
        turn.Counters.Sent += result == OutboundResult.Written ? 1 : 0;
        return result;
    }

    private bool Enqueue(ref Publication publication, in DeliveryTerms terms, ref Turn turn)
    {
        var size = publication.Topic.Length + publication.Properties.Length + publication.Payload.Length + SizeOf(terms);
        if (_connection is null && ExpiryMilliseconds == 0)
        {
            return false;
        }

        if ((_queue?.Count ?? 0) >= core.Options.MaxQueuedMessages || _queuedBytes + size > core.Options.MaxQueuedBytes)
        {
            return Drop(MqttDropReason.QueueFull);
        }

        var held = new HeldDelivery(publication.Store(core.Held).Hold(), terms);
        (_queue ??= new Queue<HeldDelivery>(4)).Enqueue(_storedAs == 0 ? held : Stored(held, ref turn));
        _queuedBytes += size;
        return true;
    }

    /// <summary>After a reconnect: PUBLISH with DUP, PUBREL, in the order in which they were sent first.</summary>
    /// <returns>True when all has been sent again.</returns>
    private bool Resend(BrokerConnection connection, ref Turn turn)
    {
        while (_inflight is not null && _inflight.TryPeekUnsent(out var id, out var step, out var held))
        {
            if (!_inflight.HasRoomToResend(connection.Window))
            {
                return false;
            }

            var isOver = step == InflightStep.AwaitsAck && !Identity.ResendsExpired && held.Message.HasExpired(core.Clock.Now);
            var result = step == InflightStep.AwaitsComplete ? connection.Outbound.TryWrite(new AckPacket(MqttPacketType.PubRel, id), ref turn)
                : isOver ? OutboundResult.TooLarge
                : Send(connection, held, id, duplicate: true, ref turn);
            if (result is OutboundResult.Full or OutboundResult.Closed)
            {
                return false;
            }

            _inflight.MarkSent();
            if (result == OutboundResult.TooLarge)
            {
                Drop(isOver ? MqttDropReason.Expired : MqttDropReason.TooLarge);
                _inflight.TryComplete(id, step, held.Terms.QoS);
                StoreCompleted(held.Sequence, ref turn);
            }
        }

        return true;
    }

    private void SendQueued(BrokerConnection connection, ref Turn turn)
    {
        while (_queue is { Count: > 0 } && (_inflight ??= NewInflight()).HasRoom(connection.Window))
        {
            var held = _queue.Peek();
            var expired = held.Message.HasExpired(core.Clock.Now);
            if (!expired && !TryTakeIdentifier(held, connection.Window))
            {
                return;
            }

            var result = expired ? OutboundResult.TooLarge : Send(connection, held, _inflight.NextId, duplicate: false, ref turn);
            if (result is OutboundResult.Full or OutboundResult.Closed)
            {
                return;
            }

            _queue.Dequeue();
            _queuedBytes -= held.Message.Length + SizeOf(held.Terms);
            if (result == OutboundResult.Written)
            {
                _inflight.Add(held);
                _sentThrough = held.Sequence;
                continue;
            }

            Drop(expired ? MqttDropReason.Expired : MqttDropReason.TooLarge);
            StoreCompleted(held.Sequence, ref turn);
            held.Message.Release();
        }

        if (_queue is { Count: 0, Capacity: > LargestIdleQueue })
        {
            _queue = null;
        }
    }

    private void DropMessages()
    {
        _inflight?.Clear();
        _inflight = null;
        while (_queue is { Count: > 0 })
        {
            _queue.Dequeue().Message.Release();
        }

        (_queue, _queuedBytes, _received) = (null, 0, null);
    }

    private Inflight NewInflight() => new(core.Options.MaxQueuedBytes);

    private static int SizeOf(in DeliveryTerms terms) => (terms.Identifiers?.Length ?? 0) * sizeof(uint);

    private bool Drop(MqttDropReason reason)
    {
        core.Counters.Drop(reason);
        return false;
    }
}
