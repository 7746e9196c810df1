using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Packets;

/// <summary>Draws valid packets of every type; the same seed gives the same packet.</summary>
internal sealed class RandomPackets(int seed)
{
    private static readonly string[] Words = ["a", "smartlock", "Zürich", "鍵", "🔒", "$SYS", "x y", ""];

    private readonly Random _random = new(seed);

    public byte[] Next(MqttPacketType type, MqttProtocolVersion version)
    {
        var isV5 = version == MqttProtocolVersion.V500;
        return type switch
        {
            MqttPacketType.Connect => Wire.Bytes(Connect(version).WriteTo),
            MqttPacketType.ConnAck => Wire.Bytes(o => ConnAck(isV5).WriteTo(o, version)),
            MqttPacketType.Publish => Publish(version),
            MqttPacketType.PubAck or MqttPacketType.PubRec or MqttPacketType.PubRel or MqttPacketType.PubComp =>
                Wire.Bytes(o => new AckPacket(type, PacketId(), isV5 ? Code(type) : 0, Properties(AllowedProperties.Ack, isV5))
                    .WriteTo(o, version)),
            MqttPacketType.Subscribe => Wire.Bytes(o =>
                new SubscribePacket(PacketId(), Many(() => Subscription(isV5)), Properties(AllowedProperties.Subscribe, isV5))
                    .WriteTo(o, version)),
            MqttPacketType.SubAck => Wire.Bytes(o =>
                new SubAckPacket(PacketId(), Many(() => Code(type)), Properties(AllowedProperties.Ack, isV5)).WriteTo(o, version)),
            MqttPacketType.Unsubscribe => Wire.Bytes(o =>
                new UnsubscribePacket(PacketId(), Many(Filter), Properties(AllowedProperties.Unsubscribe, isV5)).WriteTo(o, version)),
            MqttPacketType.UnsubAck => Wire.Bytes(o =>
                new UnsubAckPacket(PacketId(), Many(() => Code(type)), Properties(AllowedProperties.Ack, isV5)).WriteTo(o, version)),
            MqttPacketType.PingReq => Wire.Bytes(PingPackets.WriteRequest),
            MqttPacketType.PingResp => Wire.Bytes(PingPackets.WriteResponse),
            MqttPacketType.Disconnect => Wire.Bytes(o =>
                new DisconnectPacket(isV5 ? Code(type) : 0, Properties(AllowedProperties.Disconnect, isV5)).WriteTo(o, version)),
            MqttPacketType.Auth => Wire.Bytes(new AuthPacket(Code(type), Properties(AllowedProperties.Auth, isV5)).WriteTo),
            _ => throw new ArgumentOutOfRangeException(nameof(type)),
        };
    }

    private ConnectPacket Connect(MqttProtocolVersion version)
    {
        var isV5 = version == MqttProtocolVersion.V500;
        var hasUser = Coin();
        return new ConnectPacket
        {
            ProtocolVersion = version,
            CleanStart = Coin(),
            KeepAlive = (ushort)_random.Next(65_536),
            ClientId = Text(),
            UserName = hasUser ? Text() : null,
            Password = (hasUser || isV5) && Coin() ? Data() : default(ReadOnlyMemory<byte>?),
            Will = Coin()
                ? new MqttWill(Topic(), Data())
                {
                    QoS = (MqttQoS)_random.Next(3),
                    Retain = Coin(),
                    Properties = Properties(AllowedProperties.Will, isV5),
                }
                : null,
            Properties = Properties(AllowedProperties.Connect, isV5),
        };
    }

    private ConnAckPacket ConnAck(bool isV5)
    {
        var code = isV5 ? Code(MqttPacketType.ConnAck) : MqttReasonCode.Success;
        return new ConnAckPacket(code == MqttReasonCode.Success && Coin(), code, Properties(AllowedProperties.ConnAck, isV5));
    }

    private byte[] Publish(MqttProtocolVersion version)
    {
        var qos = (MqttQoS)_random.Next(3);
        var topic = Topic();
        var payload = Data(300);
        var packetId = qos == MqttQoS.AtMostOnce ? (ushort)0 : PacketId();
        var duplicate = qos != MqttQoS.AtMostOnce && Coin();
        var retain = Coin();
        var properties = Properties(AllowedProperties.Publish, version == MqttProtocolVersion.V500);
        return Wire.Bytes(o => new OutgoingPublish
        {
            Topic = MqttUtf8.GetBytes(topic),
            Payload = payload,
            QoS = qos,
            Retain = retain,
            Duplicate = duplicate,
            PacketId = packetId,
            Properties = OutgoingPublish.EncodeProperties(properties),
        }.WriteTo(o, version));
    }

    private MqttProperties? Properties(ulong allowed, bool isV5)
    {
        if (!isV5 || Coin())
        {
            return null;
        }

        var all = new MqttProperties
        {
            PayloadFormatIndicator = Pick(allowed, PropertyId.PayloadFormatIndicator, (byte)_random.Next(2)),
            MessageExpiryInterval = Pick(allowed, PropertyId.MessageExpiryInterval, (uint)_random.NextInt64(uint.MaxValue)),
            ContentType = PickText(allowed, PropertyId.ContentType),
            ResponseTopic = PickText(allowed, PropertyId.ResponseTopic) is null ? null : Topic(),
            CorrelationData = Pick<ReadOnlyMemory<byte>>(allowed, PropertyId.CorrelationData, Data()),
            SessionExpiryInterval = Pick(allowed, PropertyId.SessionExpiryInterval, (uint)_random.Next()),
            AssignedClientIdentifier = PickText(allowed, PropertyId.AssignedClientIdentifier),
            ServerKeepAlive = Pick(allowed, PropertyId.ServerKeepAlive, (ushort)_random.Next(65_536)),
            AuthenticationMethod = PickText(allowed, PropertyId.AuthenticationMethod),
            RequestProblemInformation = Pick(allowed, PropertyId.RequestProblemInformation, Coin()),
            WillDelayInterval = Pick(allowed, PropertyId.WillDelayInterval, (uint)_random.Next()),
            RequestResponseInformation = Pick(allowed, PropertyId.RequestResponseInformation, Coin()),
            ResponseInformation = PickText(allowed, PropertyId.ResponseInformation),
            ServerReference = PickText(allowed, PropertyId.ServerReference),
            ReasonString = PickText(allowed, PropertyId.ReasonString),
            ReceiveMaximum = Pick(allowed, PropertyId.ReceiveMaximum, PacketId()),
            TopicAliasMaximum = Pick(allowed, PropertyId.TopicAliasMaximum, (ushort)_random.Next(65_536)),
            TopicAlias = Pick(allowed, PropertyId.TopicAlias, PacketId()),
            MaximumQoS = Pick(allowed, PropertyId.MaximumQoS, (MqttQoS)_random.Next(2)),
            RetainAvailable = Pick(allowed, PropertyId.RetainAvailable, Coin()),
            MaximumPacketSize = Pick(allowed, PropertyId.MaximumPacketSize, (uint)_random.Next(1, int.MaxValue)),
            WildcardSubscriptionAvailable = Pick(allowed, PropertyId.WildcardSubscriptionAvailable, Coin()),
            SubscriptionIdentifiersAvailable = Pick(allowed, PropertyId.SubscriptionIdentifiersAvailable, Coin()),
            SharedSubscriptionAvailable = Pick(allowed, PropertyId.SharedSubscriptionAvailable, Coin()),
        };
        if (all.AuthenticationMethod is not null && Coin())
        {
            all.AuthenticationData = Data();
        }

        if (Allows(allowed, PropertyId.SubscriptionIdentifier) && Coin())
        {
            var count = allowed == AllowedProperties.Publish ? _random.Next(1, 4) : 1;
            all.SubscriptionIdentifiers = Many(() => (uint)_random.Next(1, 268_435_456), count);
        }

        if (Allows(allowed, PropertyId.UserProperty) && Coin())
        {
            all.UserProperties = Many(() => new MqttUserProperty(Text(), Text()));
        }

        return all;
    }

    private static bool Allows(ulong allowed, PropertyId id) => AllowedProperties.Contains(allowed, (int)id);

    private T? Pick<T>(ulong allowed, PropertyId id, T value)
        where T : struct
        => Allows(allowed, id) && Coin() ? value : null;

    private string? PickText(ulong allowed, PropertyId id) => Allows(allowed, id) && Coin() ? Text() : null;

    private bool Coin() => _random.Next(2) == 0;

    private ushort PacketId() => (ushort)_random.Next(1, 65_536);

    private string Text() => string.Join('-', Many(() => Words[_random.Next(Words.Length)]));

    private string Topic() => "t/" + string.Join('/', Many(() => Words[_random.Next(Words.Length)]));

    private string Filter() => (_random.Next(4) switch
    {
        0 => "+/",
        1 => "$share/g/",
        _ => string.Empty,
    }) + Topic() + (Coin() ? "/#" : "/+");

    private MqttSubscription Subscription(bool isV5)
    {
        var filter = Filter();
        return isV5
            ? new MqttSubscription(
                filter,
                (MqttQoS)_random.Next(3),
                Coin() && !MqttTopicFilter.IsShared(filter),
                Coin(),
                (MqttRetainHandling)_random.Next(3))
            : new MqttSubscription(filter, (MqttQoS)_random.Next(3));
    }

    private MqttReasonCode Code(MqttPacketType type)
    {
        var legal = Enumerable.Range(0, 256).Where(c => ReasonCodeRules.IsLegal(type, (byte)c)).ToArray();
        if (type == MqttPacketType.SubAck)
        {
            // What both versions can say.
            legal = [0, 1, 2, 0x80];
        }

        return (MqttReasonCode)legal[_random.Next(legal.Length)];
    }

    private byte[] Data(int maximum = 20)
    {
        var data = new byte[_random.Next(maximum)];
        _random.NextBytes(data);
        return data;
    }

    private List<T> Many<T>(Func<T> one, int? count = null)
    {
        return [.. Enumerable.Range(0, count ?? _random.Next(1, 4)).Select(_ => one())];
    }
}
