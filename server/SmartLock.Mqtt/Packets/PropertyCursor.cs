namespace SmartLock.Mqtt.Packets;

/// <summary>
/// Walks a property block and validates it: identifiers legal for the packet, none twice (but user properties and, in a
/// PUBLISH, subscription identifiers), values in range. Allocates nothing.
/// </summary>
internal ref struct PropertyCursor(ReadOnlySpan<byte> block, ulong allowed)
{
    private SpanReader _reader = new(block);
    private ulong _seen;

    public PropertyId Id { get; private set; }

    /// <summary>Value of a numeric property.</summary>
    public uint Number { get; private set; }

    /// <summary>Value of a string or binary property; the name of a user property.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary>The value of a user property.</summary>
    public ReadOnlySpan<byte> UserValue { get; private set; }

    /// <summary>Where the current property begins in the block.</summary>
    public int Start { get; private set; }

    /// <summary>Where it ends.</summary>
    public readonly int End => _reader.Position;

    public readonly bool HasSeen(PropertyId id) => AllowedProperties.Contains(_seen, (int)id);

    public bool MoveNext()
    {
        if (_reader.AtEnd)
        {
            CheckCombination();
            return false;
        }

        Start = _reader.Position;
        var id = _reader.ReadByte();
        if (!AllowedProperties.Contains(allowed, id))
        {
            MqttProtocolException.ThrowMalformed("A packet carries a property that is unknown or not allowed in it.");
        }

        Id = (PropertyId)id;
        var bit = 1UL << id;
        if ((_seen & bit) != 0 && !MayRepeat())
        {
            MqttProtocolException.ThrowProtocolError("A property occurs twice.");
        }

        _seen |= bit;
        ReadValue();
        return true;
    }

    private readonly bool MayRepeat()
    {
        return Id == PropertyId.UserProperty
            || (Id == PropertyId.SubscriptionIdentifier && allowed == AllowedProperties.Publish);
    }

    private readonly void CheckCombination()
    {
        if (HasSeen(PropertyId.AuthenticationData) && !HasSeen(PropertyId.AuthenticationMethod))
        {
            MqttProtocolException.ThrowProtocolError("Authentication data without an authentication method.");
        }
    }

    private void ReadValue()
    {
        switch (Id)
        {
            case PropertyId.PayloadFormatIndicator:
            case PropertyId.RequestProblemInformation:
            case PropertyId.RequestResponseInformation:
            case PropertyId.MaximumQoS:
            case PropertyId.RetainAvailable:
            case PropertyId.WildcardSubscriptionAvailable:
            case PropertyId.SubscriptionIdentifiersAvailable:
            case PropertyId.SharedSubscriptionAvailable:
                Number = _reader.ReadByte();
                Require(Number <= 1, "A property's value must be 0 or 1.");
                break;
            case PropertyId.ServerKeepAlive:
            case PropertyId.TopicAliasMaximum:
                Number = _reader.ReadUInt16();
                break;
            case PropertyId.ReceiveMaximum:
                Number = _reader.ReadUInt16();
                Require(Number != 0, "A receive maximum is zero.");
                break;
            case PropertyId.TopicAlias:
                Number = _reader.ReadUInt16();
                RequireAlias();
                break;
            case PropertyId.MessageExpiryInterval:
            case PropertyId.SessionExpiryInterval:
            case PropertyId.WillDelayInterval:
                Number = _reader.ReadUInt32();
                break;
            case PropertyId.MaximumPacketSize:
                Number = _reader.ReadUInt32();
                Require(Number != 0, "A maximum packet size is zero.");
                break;
            case PropertyId.SubscriptionIdentifier:
                Number = _reader.ReadVariableByteInteger();
                Require(Number != 0, "A subscription identifier is zero.");
                break;
            case PropertyId.CorrelationData:
            case PropertyId.AuthenticationData:
                Data = _reader.ReadBinary();
                break;
            case PropertyId.ResponseTopic:
                Data = _reader.ReadUtf8();
                Require(MqttTopic.IsValidName(Data), "A response topic is empty or has wildcards.");
                break;
            case PropertyId.UserProperty:
                Data = _reader.ReadUtf8();
                UserValue = _reader.ReadUtf8();
                break;
            default:
                Data = _reader.ReadUtf8();
                break;
        }
    }

    private readonly void RequireAlias()
    {
        if (Number == 0)
        {
            MqttProtocolException.Throw(MqttReasonCode.TopicAliasInvalid, "A topic alias is zero.");
        }
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            MqttProtocolException.ThrowProtocolError(message);
        }
    }
}
