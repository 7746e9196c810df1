using System.Buffers;

namespace SmartLock.Mqtt.Packets;

/// <summary>
/// PUBACK, PUBREC, PUBREL or PUBCOMP. Without properties, which is the rule, reading and writing one allocates nothing.
/// </summary>
public readonly record struct AckPacket(
    MqttPacketType Type,
    ushort PacketId,
    MqttReasonCode ReasonCode = MqttReasonCode.Success,
    MqttProperties? Properties = null)
{
    /// <exception cref="MqttProtocolException">The body breaks a rule of sections 3.4 to 3.7.</exception>
    public static AckPacket Read(byte fixedHeader, ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        var type = MqttFrame.TypeOf(fixedHeader);
        var reader = new SpanReader(body);
        var packetId = reader.ReadPacketId();
        if (reader.AtEnd || version != MqttProtocolVersion.V500)
        {
            reader.ExpectEnd();
            return new AckPacket(type, packetId);
        }

        var reasonCode = ReasonCodeRules.Check(type, reader.ReadByte());
        if (reader.AtEnd)
        {
            return new AckPacket(type, packetId, reasonCode);
        }

        var properties = PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Ack);
        reader.ExpectEnd();
        return new AckPacket(type, packetId, reasonCode, properties);
    }

    /// <summary>Bytes of the whole packet.</summary>
    public int GetSize(MqttProtocolVersion version)
    {
        return FrameWriter.SizeOf(GetBodySize(version, PropertyCodec.Measure(Properties, AllowedProperties.Ack)));
    }

    public void WriteTo(IBufferWriter<byte> output, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var propertySize = PropertyCodec.Measure(Properties, AllowedProperties.Ack);
        var bodySize = GetBodySize(version, propertySize);
        var writer = FrameWriter.Begin(output, FrameWriter.Header(Type, Type == MqttPacketType.PubRel ? 0b0010 : 0), bodySize);
        writer.WriteUInt16(PacketId);
        if (bodySize > 2)
        {
            writer.WriteByte((byte)ReasonCode);
        }

        if (bodySize > 3)
        {
            PropertyCodec.Write(ref writer, Properties, propertySize);
        }

        FrameWriter.End(output, writer);
    }

    private int GetBodySize(MqttProtocolVersion version, int propertySize)
    {
        if (version != MqttProtocolVersion.V500)
        {
            return 2;
        }

        if (propertySize > 0)
        {
            return 3 + SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize;
        }

        return ReasonCode == MqttReasonCode.Success ? 2 : 3;
    }
}
