using System.Buffers;

namespace SmartLock.Mqtt.Packets;

public sealed record SubscribePacket(ushort PacketId, IReadOnlyList<MqttSubscription> Subscriptions, MqttProperties? Properties = null)
{
    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.8.</exception>
    public static SubscribePacket Read(ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        var reader = new SpanReader(body);
        var packetId = reader.ReadPacketId();
        var properties = version == MqttProtocolVersion.V500
            ? PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Subscribe)
            : null;
        if (reader.AtEnd)
        {
            MqttProtocolException.ThrowProtocolError("A SUBSCRIBE has no topic filter.");
        }

        var subscriptions = new List<MqttSubscription>();
        while (!reader.AtEnd)
        {
            subscriptions.Add(ReadSubscription(ref reader, version));
        }

        return new SubscribePacket(packetId, subscriptions, properties);
    }

    public void WriteTo(IBufferWriter<byte> output, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var isV5 = version == MqttProtocolVersion.V500;
        var propertySize = isV5 ? PropertyCodec.Measure(Properties, AllowedProperties.Subscribe) : 0;
        var size = sizeof(ushort) + (isV5 ? SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize : 0);
        foreach (var subscription in Subscriptions)
        {
            size += SpanWriter.SizeOfString(subscription.Filter) + 1;
        }

        var writer = FrameWriter.Begin(output, FrameWriter.Header(MqttPacketType.Subscribe, 0b0010), size);
        writer.WriteUInt16(PacketId);
        if (isV5)
        {
            PropertyCodec.Write(ref writer, Properties, propertySize);
        }

        foreach (var subscription in Subscriptions)
        {
            writer.WriteString(subscription.Filter);
            writer.WriteByte(EncodeOptions(subscription, isV5));
        }

        FrameWriter.End(output, writer);
    }

    internal static string ReadFilter(ref SpanReader reader)
    {
        var filter = reader.ReadUtf8();
        if (!MqttTopicFilter.IsValid(filter))
        {
            MqttProtocolException.Throw(MqttReasonCode.TopicFilterInvalid, "A topic filter is empty or its wildcards are misplaced.");
        }

        return MqttUtf8.GetString(filter);
    }

    private static MqttSubscription ReadSubscription(ref SpanReader reader, MqttProtocolVersion version)
    {
        var filter = ReadFilter(ref reader);
        var options = reader.ReadByte();
        if ((options & (version == MqttProtocolVersion.V500 ? 0b1100_0000 : 0b1111_1100)) != 0)
        {
            MqttProtocolException.ThrowMalformed("Reserved bits of the subscription options are set.");
        }

        var qos = options & 0b11;
        var retainHandling = (options >> 4) & 0b11;
        if (qos == 3 || retainHandling == 3)
        {
            MqttProtocolException.ThrowProtocolError("A subscription asks for QoS 3 or retain handling 3.");
        }

        var noLocal = (options & 0b0100) != 0;
        if (noLocal && MqttTopicFilter.IsShared(filter))
        {
            MqttProtocolException.ThrowProtocolError("A shared subscription is marked as no-local.");
        }

        return new MqttSubscription(filter, (MqttQoS)qos, noLocal, (options & 0b1000) != 0, (MqttRetainHandling)retainHandling);
    }

    private static byte EncodeOptions(in MqttSubscription subscription, bool isV5)
    {
        var options = (int)subscription.MaximumQoS;
        if (isV5)
        {
            options |= subscription.NoLocal ? 0b0100 : 0;
            options |= subscription.RetainAsPublished ? 0b1000 : 0;
            options |= (int)subscription.RetainHandling << 4;
        }

        return (byte)options;
    }
}

/// <summary>One reason code per topic filter of the SUBSCRIBE, in its order.</summary>
public sealed record SubAckPacket(ushort PacketId, IReadOnlyList<MqttReasonCode> ReasonCodes, MqttProperties? Properties = null)
{
    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.9.</exception>
    public static SubAckPacket Read(ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        var reader = new SpanReader(body);
        var packetId = reader.ReadPacketId();
        var isV5 = version == MqttProtocolVersion.V500;
        var properties = isV5 ? PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Ack) : null;
        if (reader.AtEnd)
        {
            MqttProtocolException.ThrowProtocolError("A SUBACK has no reason code.");
        }

        var codes = new MqttReasonCode[reader.Remaining];
        for (var i = 0; i < codes.Length; i++)
        {
            var code = reader.ReadByte();
            if (!isV5 && code is not (<= 2 or 0x80))
            {
                MqttProtocolException.ThrowMalformed("A SUBACK has an unknown return code.");
            }

            codes[i] = ReasonCodeRules.Check(MqttPacketType.SubAck, code);
        }

        return new SubAckPacket(packetId, codes, properties);
    }

    /// <summary>To a 3.1.1 client every failure is 0x80.</summary>
    public void WriteTo(IBufferWriter<byte> output, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var isV5 = version == MqttProtocolVersion.V500;
        var propertySize = isV5 ? PropertyCodec.Measure(Properties, AllowedProperties.Ack) : 0;
        var size = sizeof(ushort) + (isV5 ? SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize : 0) + ReasonCodes.Count;
        var writer = FrameWriter.Begin(output, FrameWriter.Header(MqttPacketType.SubAck), size);
        writer.WriteUInt16(PacketId);
        if (isV5)
        {
            PropertyCodec.Write(ref writer, Properties, propertySize);
        }

        foreach (var code in ReasonCodes)
        {
            writer.WriteByte((byte)(!isV5 && code.IsFailure() ? MqttReasonCode.UnspecifiedError : code));
        }

        FrameWriter.End(output, writer);
    }
}
