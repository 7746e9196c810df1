namespace SmartLock.Mqtt.Packets;

/// <summary>
/// A validated PUBLISH as a view over the bytes it was read from: valid only as long as they are. Reading one allocates
/// nothing.
/// </summary>
public readonly ref struct PublishPacket
{
    private const ulong PerHop =
        (1UL << (int)PropertyId.TopicAlias)
        | (1UL << (int)PropertyId.SubscriptionIdentifier)
        | (1UL << (int)PropertyId.MessageExpiryInterval);

    private readonly byte _header;
    private readonly ulong _present;
    private readonly uint _messageExpiryInterval;

    private PublishPacket(
        byte header,
        ReadOnlySpan<byte> topic,
        ushort packetId,
        ReadOnlySpan<byte> properties,
        ReadOnlySpan<byte> payload,
        scoped in PublishPropertyScan scan)
    {
        _header = header;
        Topic = topic;
        PacketId = packetId;
        Properties = properties;
        Payload = payload;
        _present = scan.Present;
        TopicAlias = scan.TopicAlias;
        _messageExpiryInterval = scan.MessageExpiryInterval;
        SubscriptionIdentifier = scan.SubscriptionIdentifier;
    }

    /// <summary>UTF-8, a valid topic name; empty only when <see cref="TopicAlias"/> stands for it.</summary>
    public ReadOnlySpan<byte> Topic { get; }

    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The property block without its length field, validated; empty in 3.1.1.</summary>
    public ReadOnlySpan<byte> Properties { get; }

    /// <summary>Zero at QoS 0, else never.</summary>
    public ushort PacketId { get; }

    public MqttQoS QoS => (MqttQoS)((_header >> 1) & 0b11);

    public bool Retain => (_header & 0b0001) != 0;

    public bool Duplicate => (_header & 0b1000) != 0;

    /// <summary>Zero when absent.</summary>
    public ushort TopicAlias { get; }

    public uint? MessageExpiryInterval => Has(PropertyId.MessageExpiryInterval) ? _messageExpiryInterval : null;

    /// <summary>The first one; zero when absent. A client must not send any.</summary>
    public uint SubscriptionIdentifier { get; }

    /// <summary>
    /// True when the whole property block travels on to subscribers unchanged: no topic alias, subscription identifier or
    /// message expiry, which belong to one hop.
    /// </summary>
    public bool HasOnlyForwardableProperties => (_present & PerHop) == 0;

    public MqttProperties? DecodeProperties() => PropertyCodec.Decode(Properties, AllowedProperties.Publish);

    /// <summary>
    /// Copies the properties that travel on to subscribers, leaving out topic alias, subscription identifiers and message
    /// expiry; <paramref name="target"/> must hold <see cref="Properties"/>.Length bytes. Returns the bytes written.
    /// </summary>
    public int CopyForwardableProperties(Span<byte> target)
    {
        var written = 0;
        var cursor = new PropertyCursor(Properties, AllowedProperties.Publish);
        while (cursor.MoveNext())
        {
            if (AllowedProperties.Contains(PerHop, (int)cursor.Id))
            {
                continue;
            }

            var property = Properties[cursor.Start..cursor.End];
            property.CopyTo(target[written..]);
            written += property.Length;
        }

        return written;
    }

    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.3.</exception>
    public static PublishPacket Read(byte fixedHeader, ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        var reader = new SpanReader(body);
        var topic = ReadTopic(ref reader);
        var packetId = (fixedHeader & 0b0110) != 0 ? reader.ReadPacketId() : (ushort)0;
        var properties = version == MqttProtocolVersion.V500 ? reader.ReadPropertyBlock() : default;
        var scan = PublishPropertyScan.Of(properties);
        if (topic.IsEmpty && scan.TopicAlias == 0)
        {
            MqttProtocolException.ThrowProtocolError("A PUBLISH has neither a topic name nor a topic alias.");
        }

        return new PublishPacket(fixedHeader, topic, packetId, properties, reader.ReadRest(), scan);
    }

    private static ReadOnlySpan<byte> ReadTopic(scoped ref SpanReader reader)
    {
        var topic = reader.ReadBinary();
        if (topic.IsEmpty || MqttTopic.IsValidName(topic))
        {
            return topic;
        }

        if (topic.Contains((byte)0) || !MqttUtf8.IsWellFormed(topic))
        {
            MqttProtocolException.ThrowMalformed("A topic name is not well-formed UTF-8.");
        }

        MqttProtocolException.Throw(MqttReasonCode.TopicNameInvalid, "A topic name contains a wildcard.");
        return default;
    }

    private bool Has(PropertyId id) => AllowedProperties.Contains(_present, (int)id);

    private struct PublishPropertyScan
    {
        public ulong Present;
        public ushort TopicAlias;
        public uint MessageExpiryInterval;
        public uint SubscriptionIdentifier;

        public static PublishPropertyScan Of(ReadOnlySpan<byte> block)
        {
            var scan = default(PublishPropertyScan);
            if (block.IsEmpty)
            {
                return scan;
            }

            var cursor = new PropertyCursor(block, AllowedProperties.Publish);
            while (cursor.MoveNext())
            {
                scan.Add(cursor.Id, cursor.Number);
            }

            return scan;
        }

        private void Add(PropertyId id, uint number)
        {
            switch (id)
            {
                case PropertyId.TopicAlias:
                    TopicAlias = (ushort)number;
                    break;
                case PropertyId.MessageExpiryInterval:
                    MessageExpiryInterval = number;
                    break;
                case PropertyId.SubscriptionIdentifier when SubscriptionIdentifier == 0:
                    SubscriptionIdentifier = number;
                    break;
                default:
                    break;
            }

            Present |= 1UL << (int)id;
        }
    }
}
