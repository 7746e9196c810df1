using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

internal sealed partial class BrokerConnection
{
    private static readonly MqttProperties NotAuthorizedText = new() { ReasonString = "The login has no right to this topic." };

    private void Process(byte header, ReadOnlySpan<byte> body, ref Turn turn)
    {
        switch (MqttFrame.TypeOf(header))
        {
            case MqttPacketType.Publish:
                OnPublish(header, body, ref turn);
                break;
            case MqttPacketType.PubAck or MqttPacketType.PubRec or MqttPacketType.PubRel or MqttPacketType.PubComp:
                OnAck(AckPacket.Read(header, body, Version), ref turn);
                break;
            case MqttPacketType.Subscribe:
                OnSubscribe(SubscribePacket.Read(body, Version), ref turn);
                break;
            case MqttPacketType.Unsubscribe:
                OnUnsubscribe(UnsubscribePacket.Read(body, Version), ref turn);
                break;
            case MqttPacketType.PingReq:
                PingPackets.CheckBody(body);
                Check(Outbound.TryWrite(0, static (_, output) => PingPackets.WriteResponse(output), ref turn));
                break;
            case MqttPacketType.Disconnect:
                OnDisconnect(DisconnectPacket.Read(body, Version));
                break;
            case MqttPacketType.Auth:
                AuthPacket.Read(body, Version);
                MqttProtocolException.ThrowProtocolError("No authentication method was agreed on.");
                break;
            default:
                MqttProtocolException.ThrowProtocolError("A packet that a client sends once, or never.");
                break;
        }

        turn.EndGroup();
    }

    private void OnAck(in AckPacket ack, ref Turn turn)
    {
        var session = Session!;
        switch (ack.Type)
        {
            case MqttPacketType.PubAck:
                session.Complete(this, ack.PacketId, InflightStep.AwaitsAck, MqttQoS.AtLeastOnce, ref turn);
                break;
            case MqttPacketType.PubRec when ack.ReasonCode.IsFailure():
                session.Complete(this, ack.PacketId, InflightStep.AwaitsAck, MqttQoS.ExactlyOnce, ref turn);
                break;
            case MqttPacketType.PubRec:
                var known = session.Receive(this, ack.PacketId, ref turn);
                Write(new AckPacket(MqttPacketType.PubRel, ack.PacketId, CodeFor(known)), ref turn);
                break;
            case MqttPacketType.PubRel:
                var held = session.RemoveReceived(ack.PacketId, ref turn);
                Write(new AckPacket(MqttPacketType.PubComp, ack.PacketId, CodeFor(held)), ref turn);
                break;
            default:
                session.Complete(this, ack.PacketId, InflightStep.AwaitsComplete, MqttQoS.ExactlyOnce, ref turn);
                break;
        }
    }

    private void OnSubscribe(SubscribePacket packet, ref Turn turn)
    {
        var identifier = packet.Properties?.SubscriptionIdentifiers is [var first, ..] ? first : 0;
        var codes = new MqttReasonCode[packet.Subscriptions.Count];
        var retained = new List<Subscription>();
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = Subscribe(packet.Subscriptions[i], identifier, retained, ref turn);
        }

        // The answer goes first: a client knows its subscription before it is sent what is retained under it.
        var text = codes.Any(c => c == MqttReasonCode.NotAuthorized) ? ProblemText : null;
        Answer(new SubAckPacket(packet.PacketId, codes, text), ref turn);
        foreach (var subscription in retained)
        {
            _core.Router.SendRetained(Session!, subscription, ref turn);
        }
    }

    private void Answer(SubAckPacket answer, ref Turn turn)
    {
        var result = Outbound.TryWrite((answer, Version), static (p, output) => p.answer.WriteTo(output, p.Version), ref turn);
        if (result == OutboundResult.TooLarge && answer.Properties is not null)
        {
            Answer(answer with { Properties = null }, ref turn);
            return;
        }

        Check(result);
    }

    private MqttReasonCode Subscribe(in MqttSubscription asked, uint identifier, List<Subscription> retained, ref Turn turn)
    {
        ReadOnlySpan<byte> filter = MqttUtf8.GetBytes(asked.Filter);
        string? group = null;
        if (MqttTopicFilter.TrySplitShared(filter, out var name, out var inner))
        {
            group = MqttUtf8.GetString(name);
            filter = inner;
        }

        if (filter.Count((byte)'/') >= _core.Options.MaxTopicLevels)
        {
            return MqttReasonCode.TopicFilterInvalid;
        }

        var answer = _core.Authorizer.CanSubscribe(Identity, group is null ? asked.Filter : MqttUtf8.GetString(filter));
        if (answer.IsFailure())
        {
            return ReasonCodeRules.Fit(MqttPacketType.SubAck, answer);
        }

        var options = new SubscriptionOptions(asked.MaximumQoS, asked.NoLocal, asked.RetainAsPublished, identifier);
        if (Session!.Subscribe(filter, group, options, out var isNew, ref turn) is not { } subscription)
        {
            return MqttReasonCode.QuotaExceeded;
        }

        var wantsRetained = asked.RetainHandling == MqttRetainHandling.SendAtSubscribe
            || (asked.RetainHandling == MqttRetainHandling.SendAtSubscribeIfNew && isNew);
        if (group is null && wantsRetained)
        {
            retained.Add(subscription);
        }

        return (MqttReasonCode)asked.MaximumQoS;
    }

    private void OnUnsubscribe(UnsubscribePacket packet, ref Turn turn)
    {
        var codes = new MqttReasonCode[packet.Filters.Count];
        for (var i = 0; i < codes.Length; i++)
        {
            ReadOnlySpan<byte> filter = MqttUtf8.GetBytes(packet.Filters[i]);
            string? group = null;
            if (MqttTopicFilter.TrySplitShared(filter, out var name, out var inner))
            {
                group = MqttUtf8.GetString(name);
                filter = inner;
            }

            codes[i] = Session!.Unsubscribe(filter, group, ref turn) ? MqttReasonCode.Success : MqttReasonCode.NoSubscriptionExisted;
        }

        var answer = new UnsubAckPacket(packet.PacketId, codes);
        Check(Outbound.TryWrite((answer, Version), static (p, output) => p.answer.WriteTo(output, p.Version), ref turn));
    }

    private void OnDisconnect(DisconnectPacket packet)
    {
        if (packet.Properties?.SessionExpiryInterval is { } expiry)
        {
            if (SessionExpiryMilliseconds == 0 && expiry != 0)
            {
                MqttProtocolException.ThrowProtocolError("A session that ends with its connection cannot be made to last by a DISCONNECT.");
            }

            Session!.ExpiryMilliseconds = Math.Min(expiry * 1000L, (long)_core.Options.MaxSessionExpiry.TotalMilliseconds);
        }

        // Only a normal goodbye takes the will away (MQTT 5, 3.1.2.5).
        if (packet.ReasonCode == MqttReasonCode.Success)
        {
            _will = null;
        }

        Close(reason: null);
    }

    private MqttProperties? ProblemText => _wantsProblemInformation && Version == MqttProtocolVersion.V500 ? NotAuthorizedText : null;

    private static MqttReasonCode CodeFor(bool known) => known ? MqttReasonCode.Success : MqttReasonCode.PacketIdentifierNotFound;

    private void Write(in AckPacket ack, ref Turn turn) => Check(Outbound.TryWrite(ack, ref turn));

    /// <summary>A client that sends but does not read what it is answered is let go before it fills memory.</summary>
    private static void Check(OutboundResult result)
    {
        if (result == OutboundResult.Full)
        {
            MqttProtocolException.Throw(MqttReasonCode.QuotaExceeded, "The client does not read what it is answered.");
        }
    }
}
