using System.Buffers;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

internal sealed partial class BrokerConnection
{
    private const int LargestOnStack = 512;
    private const int MostReceivedOf311 = 4096;

    // By alias, from 1; made when the client sets its first one.
    private byte[]?[]? _topicsByAlias;

    private void OnPublish(byte header, ReadOnlySpan<byte> body, ref Turn turn)
    {
        if (Identity.NeverRetains)
        {
            header &= 0b1111_1110;
        }

        var packet = PublishPacket.Read(header, body, Version);
        turn.Counters.Received++;
        if (packet.SubscriptionIdentifier != 0)
        {
            MqttProtocolException.ThrowProtocolError("A client's PUBLISH carries a subscription identifier.");
        }

        var topic = packet.TopicAlias == 0 ? packet.Topic : ResolveAlias(packet.Topic, packet.TopicAlias);
        if (packet.QoS != MqttQoS.AtMostOnce && _core.Journal is { IsOverfull: true })
        {
            MqttProtocolException.Throw(MqttReasonCode.ServerBusy, "The broker cannot store what it is to acknowledge.");
        }

        if (packet.QoS == MqttQoS.ExactlyOnce && !IsFirstReceipt(packet.PacketId, ref turn))
        {
            Write(new AckPacket(MqttPacketType.PubRec, packet.PacketId), ref turn);
            return;
        }

        var answer = _core.Authorizer.CanPublish(Identity, topic, packet.Retain, packet.QoS);
        if (answer.IsFailure())
        {
            OnRefused(packet.QoS, packet.PacketId, answer, ref turn);
            return;
        }

        var reached = packet.Properties.IsEmpty || packet.HasOnlyForwardableProperties
            ? Route(packet, topic, packet.Properties, ref turn)
            : RouteWithoutHopProperties(packet, topic, ref turn);
        if (packet.QoS == MqttQoS.AtMostOnce)
        {
            return;
        }

        var type = packet.QoS == MqttQoS.AtLeastOnce ? MqttPacketType.PubAck : MqttPacketType.PubRec;
        Write(new AckPacket(type, packet.PacketId, reached > 0 ? MqttReasonCode.Success : MqttReasonCode.NoMatchingSubscribers), ref turn);
    }

    private int RouteWithoutHopProperties(in PublishPacket packet, ReadOnlySpan<byte> topic, ref Turn turn)
    {
        byte[]? rented = null;
        Span<byte> scratch = packet.Properties.Length <= LargestOnStack
            ? stackalloc byte[LargestOnStack]
            : rented = ArrayPool<byte>.Shared.Rent(packet.Properties.Length);
        try
        {
            return Route(packet, topic, scratch[..packet.CopyForwardableProperties(scratch)], ref turn);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    private int Route(in PublishPacket packet, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> properties, ref Turn turn)
    {
        var publication = new Publication
        {
            Topic = topic,
            Properties = properties,
            Payload = packet.Payload,
            QoS = packet.QoS,
            Retain = packet.Retain,
            ExpiresAt = _core.Clock.ExpiryAfter(packet.MessageExpiryInterval),
            Publisher = Session,
            Identity = Identity,
            ClientId = Session!.ClientId,
        };
        return _core.Router.Route(publication, ref turn);
    }

    private void OnRefused(MqttQoS qos, ushort packetId, MqttReasonCode reason, ref Turn turn)
    {
        _core.Counters.Drop(MqttDropReason.NotAuthorized);
        if (qos == MqttQoS.AtMostOnce)
        {
            return;
        }

        if (qos == MqttQoS.ExactlyOnce)
        {
            // A PUBREC that refuses ends the exchange: no PUBREL will come.
            Session!.RemoveReceived(packetId, ref turn);
        }

        var type = qos == MqttQoS.AtLeastOnce ? MqttPacketType.PubAck : MqttPacketType.PubRec;
        Write(new AckPacket(type, packetId, ReasonCodeRules.Fit(type, reason), ProblemText), ref turn);
    }

    private bool IsFirstReceipt(ushort packetId, ref Turn turn)
    {
        // A v3.1.1 client was never told a limit: it gets more than any is known to use, so that one session costs no megabyte.
        var limit = Version == MqttProtocolVersion.V500 ? _core.Options.ReceiveMaximum : Math.Max(_core.Options.ReceiveMaximum, MostReceivedOf311);
        if (!Session!.TryAddReceived(packetId, limit, out var isNew, ref turn))
        {
            MqttProtocolException.Throw(MqttReasonCode.ReceiveMaximumExceeded, "More QoS 2 messages are under way than the receive maximum.");
        }

        return isNew;
    }

    private ReadOnlySpan<byte> ResolveAlias(ReadOnlySpan<byte> topic, ushort alias)
    {
        if (alias > _core.Options.MaxTopicAliases)
        {
            MqttProtocolException.Throw(MqttReasonCode.TopicAliasInvalid, "A topic alias is greater than the maximum.");
        }

        _topicsByAlias ??= new byte[]?[_core.Options.MaxTopicAliases];
        ref var known = ref _topicsByAlias[alias - 1];
        if (topic.IsEmpty)
        {
            if (known is null)
            {
                MqttProtocolException.ThrowProtocolError("A topic alias stands for no topic yet.");
            }

            return known;
        }

        if (!topic.SequenceEqual(known))
        {
            known = topic.ToArray();
        }

        return topic;
    }
}
