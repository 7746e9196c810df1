namespace SmartLock.Mqtt.Packets;

/// <summary>Between <see cref="MqttProperties"/> and the bytes of a property block (section 2.2.2).</summary>
internal static class PropertyCodec
{
    /// <summary>Validates a block and makes an object of it; null when it is empty.</summary>
    public static MqttProperties? Decode(ReadOnlySpan<byte> block, ulong allowed)
    {
        if (block.IsEmpty)
        {
            return null;
        }

        var properties = new MqttProperties();
        List<MqttUserProperty>? userProperties = null;
        List<uint>? subscriptionIdentifiers = null;
        var cursor = new PropertyCursor(block, allowed);
        while (cursor.MoveNext())
        {
            switch (cursor.Id)
            {
                case PropertyId.UserProperty:
                    userProperties ??= [];
                    userProperties.Add(new(MqttUtf8.GetString(cursor.Data), MqttUtf8.GetString(cursor.UserValue)));
                    break;
                case PropertyId.SubscriptionIdentifier:
                    subscriptionIdentifiers ??= [];
                    subscriptionIdentifiers.Add(cursor.Number);
                    break;
                default:
                    if (!SetNumber(properties, cursor.Id, cursor.Number))
                    {
                        SetData(properties, cursor.Id, cursor.Data);
                    }

                    break;
            }
        }

        properties.UserProperties = userProperties;
        properties.SubscriptionIdentifiers = subscriptionIdentifiers;
        return properties;
    }

    /// <summary>Walks a block only to refuse what is not allowed in it.</summary>
    public static void Validate(ReadOnlySpan<byte> block, ulong allowed)
    {
        var cursor = new PropertyCursor(block, allowed);
        while (cursor.MoveNext())
        {
        }
    }

    /// <summary>Bytes of the block without its length field.</summary>
    /// <exception cref="ArgumentException">A property is set that the packet may not carry, or has no legal value.</exception>
    public static int Measure(MqttProperties? properties, ulong allowed)
    {
        if (properties is null)
        {
            return 0;
        }

        if (properties.ResponseTopic is { } topic && !MqttTopic.IsValidName(topic))
        {
            throw new ArgumentException("The response topic is not a valid topic name.", nameof(properties));
        }

        if (properties.PayloadFormatIndicator > 1)
        {
            throw new ArgumentException("The payload format indicator is neither 0 nor 1.", nameof(properties));
        }

        var sink = new PropertySink(default, isMeasuring: true);
        Emit(ref sink, properties);
        if ((sink.Present & ~allowed) != 0)
        {
            throw new ArgumentException("A property is set that this packet may not carry.", nameof(properties));
        }

        return sink.Size;
    }

    /// <summary>Writes the length field and the block; <paramref name="size"/> as <see cref="Measure"/> gave it.</summary>
    public static void Write(ref SpanWriter writer, MqttProperties? properties, int size)
    {
        writer.WriteVariableByteInteger(size);
        if (properties is null)
        {
            return;
        }

        var sink = new PropertySink(writer, isMeasuring: false);
        Emit(ref sink, properties);
        writer = sink.Writer;
    }

    /// <summary>The block without its length field.</summary>
    public static byte[] Encode(MqttProperties? properties, ulong allowed)
    {
        var block = new byte[Measure(properties, allowed)];
        if (properties is not null)
        {
            var sink = new PropertySink(new SpanWriter(block), isMeasuring: false);
            Emit(ref sink, properties);
        }

        return block;
    }

    private static void Emit(ref PropertySink sink, MqttProperties p)
    {
        sink.AddByte(PropertyId.PayloadFormatIndicator, p.PayloadFormatIndicator);
        sink.AddUInt32(PropertyId.MessageExpiryInterval, p.MessageExpiryInterval);
        sink.AddString(PropertyId.ContentType, p.ContentType);
        sink.AddString(PropertyId.ResponseTopic, p.ResponseTopic);
        sink.AddBinary(PropertyId.CorrelationData, p.CorrelationData);
        for (var i = 0; i < (p.SubscriptionIdentifiers?.Count ?? 0); i++)
        {
            sink.AddSubscriptionIdentifier(p.SubscriptionIdentifiers![i]);
        }

        sink.AddUInt32(PropertyId.SessionExpiryInterval, p.SessionExpiryInterval);
        sink.AddString(PropertyId.AssignedClientIdentifier, p.AssignedClientIdentifier);
        sink.AddUInt16(PropertyId.ServerKeepAlive, p.ServerKeepAlive);
        sink.AddString(PropertyId.AuthenticationMethod, p.AuthenticationMethod);
        sink.AddBinary(PropertyId.AuthenticationData, p.AuthenticationData);
        sink.AddBoolean(PropertyId.RequestProblemInformation, p.RequestProblemInformation);
        sink.AddUInt32(PropertyId.WillDelayInterval, p.WillDelayInterval);
        sink.AddBoolean(PropertyId.RequestResponseInformation, p.RequestResponseInformation);
        sink.AddString(PropertyId.ResponseInformation, p.ResponseInformation);
        sink.AddString(PropertyId.ServerReference, p.ServerReference);
        sink.AddString(PropertyId.ReasonString, p.ReasonString);
        sink.AddUInt16(PropertyId.ReceiveMaximum, p.ReceiveMaximum);
        sink.AddUInt16(PropertyId.TopicAliasMaximum, p.TopicAliasMaximum);
        sink.AddUInt16(PropertyId.TopicAlias, p.TopicAlias);
        sink.AddByte(PropertyId.MaximumQoS, (byte?)p.MaximumQoS);
        sink.AddBoolean(PropertyId.RetainAvailable, p.RetainAvailable);
        for (var i = 0; i < (p.UserProperties?.Count ?? 0); i++)
        {
            sink.AddUserProperty(p.UserProperties![i]);
        }

        sink.AddUInt32(PropertyId.MaximumPacketSize, p.MaximumPacketSize);
        sink.AddBoolean(PropertyId.WildcardSubscriptionAvailable, p.WildcardSubscriptionAvailable);
        sink.AddBoolean(PropertyId.SubscriptionIdentifiersAvailable, p.SubscriptionIdentifiersAvailable);
        sink.AddBoolean(PropertyId.SharedSubscriptionAvailable, p.SharedSubscriptionAvailable);
    }

    private static bool SetNumber(MqttProperties p, PropertyId id, uint value)
    {
        switch (id)
        {
            case PropertyId.PayloadFormatIndicator:
                p.PayloadFormatIndicator = (byte)value;
                return true;
            case PropertyId.MessageExpiryInterval:
                p.MessageExpiryInterval = value;
                return true;
            case PropertyId.SessionExpiryInterval:
                p.SessionExpiryInterval = value;
                return true;
            case PropertyId.ServerKeepAlive:
                p.ServerKeepAlive = (ushort)value;
                return true;
            case PropertyId.WillDelayInterval:
                p.WillDelayInterval = value;
                return true;
            case PropertyId.ReceiveMaximum:
                p.ReceiveMaximum = (ushort)value;
                return true;
            case PropertyId.TopicAliasMaximum:
                p.TopicAliasMaximum = (ushort)value;
                return true;
            case PropertyId.TopicAlias:
                p.TopicAlias = (ushort)value;
                return true;
            case PropertyId.MaximumQoS:
                p.MaximumQoS = (MqttQoS)value;
                return true;
            case PropertyId.MaximumPacketSize:
                p.MaximumPacketSize = value;
                return true;
            default:
                return SetBoolean(p, id, value != 0);
        }
    }

    private static bool SetBoolean(MqttProperties p, PropertyId id, bool value)
    {
        switch (id)
        {
            case PropertyId.RequestProblemInformation:
                p.RequestProblemInformation = value;
                return true;
            case PropertyId.RequestResponseInformation:
                p.RequestResponseInformation = value;
                return true;
            case PropertyId.RetainAvailable:
                p.RetainAvailable = value;
                return true;
            case PropertyId.WildcardSubscriptionAvailable:
                p.WildcardSubscriptionAvailable = value;
                return true;
            case PropertyId.SubscriptionIdentifiersAvailable:
                p.SubscriptionIdentifiersAvailable = value;
                return true;
            case PropertyId.SharedSubscriptionAvailable:
                p.SharedSubscriptionAvailable = value;
                return true;
            default:
                return false;
        }
    }

    private static void SetData(MqttProperties p, PropertyId id, ReadOnlySpan<byte> data)
    {
        switch (id)
        {
            case PropertyId.ContentType:
                p.ContentType = MqttUtf8.GetString(data);
                break;
            case PropertyId.ResponseTopic:
                p.ResponseTopic = MqttUtf8.GetString(data);
                break;
            case PropertyId.CorrelationData:
                p.CorrelationData = data.ToArray();
                break;
            case PropertyId.AssignedClientIdentifier:
                p.AssignedClientIdentifier = MqttUtf8.GetString(data);
                break;
            case PropertyId.AuthenticationMethod:
                p.AuthenticationMethod = MqttUtf8.GetString(data);
                break;
            case PropertyId.AuthenticationData:
                p.AuthenticationData = data.ToArray();
                break;
            case PropertyId.ResponseInformation:
                p.ResponseInformation = MqttUtf8.GetString(data);
                break;
            case PropertyId.ServerReference:
                p.ServerReference = MqttUtf8.GetString(data);
                break;
            case PropertyId.ReasonString:
                p.ReasonString = MqttUtf8.GetString(data);
                break;
            default:
                throw new InvalidOperationException($"Property {id} has no place in {nameof(MqttProperties)}.");
        }
    }
}
