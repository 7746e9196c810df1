using System.Buffers;

namespace SmartLock.Mqtt.Packets;

/// <summary>
/// The parts of a PUBLISH to be written. Topic, payload and encoded properties may be shared by many receivers; what
/// differs per receiver are the other members. Writing one allocates nothing.
/// </summary>
public readonly ref struct OutgoingPublish
{
    /// <summary>UTF-8; not validated again. Empty only together with a <see cref="TopicAlias"/>.</summary>
    public ReadOnlySpan<byte> Topic { get; init; }

    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>
    /// Encoded properties without length field, as <see cref="EncodeProperties"/> or
    /// <see cref="PublishPacket.CopyForwardableProperties"/> give them; must not hold what the members below add.
    /// </summary>
    public ReadOnlySpan<byte> Properties { get; init; }

    public MqttQoS QoS { get; init; }

    public bool Retain { get; init; }

    public bool Duplicate { get; init; }

    /// <summary>Not zero when <see cref="QoS"/> is above 0.</summary>
    public ushort PacketId { get; init; }

    /// <summary>Zero: none.</summary>
    public ushort TopicAlias { get; init; }

    public uint? MessageExpiryInterval { get; init; }

    public ReadOnlySpan<uint> SubscriptionIdentifiers { get; init; }

    /// <summary>Bytes of the whole packet, fixed header included.</summary>
    public int GetSize(MqttProtocolVersion version) => FrameWriter.SizeOf(GetBodySize(version, GetPropertySize()));

    public void WriteTo(IBufferWriter<byte> output, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var propertySize = GetPropertySize();
        var flags = ((int)QoS << 1) | (Retain ? 1 : 0) | (Duplicate ? 8 : 0);
        var writer = FrameWriter.Begin(output, FrameWriter.Header(MqttPacketType.Publish, flags), GetBodySize(version, propertySize));
        writer.WriteBinary(Topic);
        if (QoS != MqttQoS.AtMostOnce)
        {
            writer.WriteUInt16(PacketId);
        }

        if (version == MqttProtocolVersion.V500)
        {
            writer.WriteVariableByteInteger(propertySize);
            WriteProperties(ref writer);
        }

        writer.WriteBytes(Payload);
        FrameWriter.End(output, writer);
    }

    /// <summary>Encodes application properties once for many receivers.</summary>
    /// <exception cref="ArgumentException">One is set that a PUBLISH may not carry.</exception>
    public static byte[] EncodeProperties(MqttProperties? properties)
    {
        return PropertyCodec.Encode(properties, AllowedProperties.Publish);
    }

    private void WriteProperties(ref SpanWriter writer)
    {
        if (TopicAlias != 0)
        {
            writer.WriteByte((byte)PropertyId.TopicAlias);
            writer.WriteUInt16(TopicAlias);
        }

        if (MessageExpiryInterval is { } expiry)
        {
            writer.WriteByte((byte)PropertyId.MessageExpiryInterval);
            writer.WriteUInt32(expiry);
        }

        foreach (var identifier in SubscriptionIdentifiers)
        {
            writer.WriteByte((byte)PropertyId.SubscriptionIdentifier);
            writer.WriteVariableByteInteger((int)identifier);
        }

        writer.WriteBytes(Properties);
    }

    private int GetPropertySize()
    {
        var size = Properties.Length + (TopicAlias != 0 ? 3 : 0) + (MessageExpiryInterval is not null ? 5 : 0);
        foreach (var identifier in SubscriptionIdentifiers)
        {
            size += 1 + SpanWriter.SizeOfVariableByteInteger((int)identifier);
        }

        return size;
    }

    private int GetBodySize(MqttProtocolVersion version, int propertySize)
    {
        var size = sizeof(ushort) + Topic.Length + (QoS != MqttQoS.AtMostOnce ? sizeof(ushort) : 0) + Payload.Length;
        return version == MqttProtocolVersion.V500
            ? size + SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize
            : size;
    }
}
