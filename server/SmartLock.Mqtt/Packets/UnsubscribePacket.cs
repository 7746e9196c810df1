using System.Buffers;

namespace SmartLock.Mqtt.Packets;

public sealed record UnsubscribePacket(ushort PacketId, IReadOnlyList<string> Filters, MqttProperties? Properties = null)
{
    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.10.</exception>
    public static UnsubscribePacket Read(ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        var reader = new SpanReader(body);
        var packetId = reader.ReadPacketId();
        var properties = version == MqttProtocolVersion.V500
            ? PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Unsubscribe)
            : null;
        if (reader.AtEnd)
        {
            MqttProtocolException.ThrowProtocolError("An UNSUBSCRIBE has no topic filter.");
        }

        var filters = new List<string>();
        while (!reader.AtEnd)
        {
            filters.Add(SubscribePacket.ReadFilter(ref reader));
        }

        return new UnsubscribePacket(packetId, filters, properties);
    }

    public void WriteTo(IBufferWriter<byte> output, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var isV5 = version == MqttProtocolVersion.V500;
        var propertySize = isV5 ? PropertyCodec.Measure(Properties, AllowedProperties.Unsubscribe) : 0;
        var size = sizeof(ushort) + (isV5 ? SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize : 0);
        foreach (var filter in Filters)
        {
            size += SpanWriter.SizeOfString(filter);
        }

        var writer = FrameWriter.Begin(output, FrameWriter.Header(MqttPacketType.Unsubscribe, 0b0010), size);
        writer.WriteUInt16(PacketId);
        if (isV5)
        {
            PropertyCodec.Write(ref writer, Properties, propertySize);
        }

        foreach (var filter in Filters)
        {
            writer.WriteString(filter);
        }

        FrameWriter.End(output, writer);
    }
}

/// <summary>One reason code per topic filter of the UNSUBSCRIBE; none in 3.1.1.</summary>
public sealed record UnsubAckPacket(ushort PacketId, IReadOnlyList<MqttReasonCode> ReasonCodes, MqttProperties? Properties = null)
{
    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.11.</exception>
    public static UnsubAckPacket Read(ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        var reader = new SpanReader(body);
        var packetId = reader.ReadPacketId();
        if (version != MqttProtocolVersion.V500)
        {
            reader.ExpectEnd();
            return new UnsubAckPacket(packetId, []);
        }

        var properties = PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Ack);
        if (reader.AtEnd)
        {
            MqttProtocolException.ThrowProtocolError("An UNSUBACK has no reason code.");
        }

        var codes = new MqttReasonCode[reader.Remaining];
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = ReasonCodeRules.Check(MqttPacketType.UnsubAck, reader.ReadByte());
        }

        return new UnsubAckPacket(packetId, codes, properties);
    }

    public void WriteTo(IBufferWriter<byte> output, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var isV5 = version == MqttProtocolVersion.V500;
        var propertySize = isV5 ? PropertyCodec.Measure(Properties, AllowedProperties.Ack) : 0;
        var size = sizeof(ushort);
        if (isV5)
        {
            size += SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize + ReasonCodes.Count;
        }

        var writer = FrameWriter.Begin(output, FrameWriter.Header(MqttPacketType.UnsubAck), size);
        writer.WriteUInt16(PacketId);
        if (isV5)
        {
            PropertyCodec.Write(ref writer, Properties, propertySize);
            foreach (var code in ReasonCodes)
            {
                writer.WriteByte((byte)code);
            }
        }

        FrameWriter.End(output, writer);
    }
}
