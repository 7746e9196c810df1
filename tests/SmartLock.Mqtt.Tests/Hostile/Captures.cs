using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Mqtt.Tests.Packets;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>What a client may send on one connection, made by the encoder and then mutated; the same seed gives the same bytes.</summary>
internal sealed class Captures(int seed)
{
    private static readonly string[] Topics = ["a", "a/b", "a/b/c", "$SYS/x", "bystander/inbox", "Zürich/鍵"];

    private static readonly string[] Filters = ["a", "a/#", "+/b", "+/+/c", "#", "$share/g/a/#", "bystander/outbox"];

    private static readonly MqttPacketType[] All = Enum.GetValues<MqttPacketType>().Where(t => t != 0).ToArray();

    // Lengths and identifiers that sit at an edge.
    private static readonly byte[] Edges = [0x00, 0x01, 0x7F, 0x80, 0xFF, 0x23, 0x2B, 0x2F, 0x24];

    private readonly Random _random = new(seed);

    public MqttProtocolVersion Version { get; } = seed % 2 == 0 ? MqttProtocolVersion.V311 : MqttProtocolVersion.V500;

    /// <summary>Mostly a valid login, then a few packets of any type.</summary>
    public byte[] Conversation()
    {
        var first = _random.Next(8) == 0
            ? Packet(MqttPacketType.Connect)
            : Wire.Bytes((TestBroker.Connect($"fuzz-{seed % 50}", Version) with { UserName = "fuzz", KeepAlive = 60, CleanStart = Coin() }).WriteTo);
        return [.. Coin() ? first : Mutate(first), .. Packets()];
    }

    /// <summary>Where to cut: pieces as a network may deliver them.</summary>
    public IEnumerable<byte[]> Pieces(byte[] bytes)
    {
        var most = _random.Next(4) switch { 0 => 1, 1 => 3, 2 => 40, _ => bytes.Length + 1 };
        for (var at = 0; at < bytes.Length;)
        {
            var length = Math.Min(bytes.Length - at, _random.Next(most) + 1);
            yield return bytes[at..(at + length)];
            at += length;
        }
    }

    private byte[] Packets()
    {
        // Valid packets first, so that the mutated ones meet a connection that has state.
        var all = new List<byte>();
        for (var i = _random.Next(8); i > 0; i--)
        {
            all.AddRange(Honest());
        }

        for (var i = _random.Next(1, 8); i > 0; i--)
        {
            var packet = Coin() ? Honest() : Packet(All[_random.Next(All.Length)]);
            all.AddRange(_random.Next(3) == 0 ? packet : Mutate(packet));
        }

        return [.. all];
    }

    /// <summary>A well-formed packet; its identifier may be one that the broker does not expect.</summary>
    private byte[] Honest()
    {
        // Few identifiers, so that some of them are in use.
        var id = (ushort)_random.Next(1, 6);
        var type = (MqttPacketType)_random.Next((int)MqttPacketType.PubAck, (int)MqttPacketType.Subscribe);
        return _random.Next(6) switch
        {
            0 => Wire.Bytes(o => new AckPacket(type, id).WriteTo(o, Version)),
            1 => Wire.Bytes(o => new SubscribePacket(id, [new MqttSubscription(Filters[_random.Next(Filters.Length)], (MqttQoS)_random.Next(3))]).WriteTo(o, Version)),
            2 => Wire.Bytes(o => new UnsubscribePacket(id, [Filters[_random.Next(Filters.Length)]]).WriteTo(o, Version)),
            3 => Wire.Bytes(PingPackets.WriteRequest),
            _ => Publish(id),
        };
    }

    private byte[] Publish(ushort id)
    {
        var qos = (MqttQoS)_random.Next(3);
        var topic = MqttUtf8.GetBytes(Topics[_random.Next(Topics.Length)]);
        var payload = new byte[_random.Next(200)];
        _random.NextBytes(payload);
        var (retain, alias) = (Coin(), (ushort)(Version == MqttProtocolVersion.V500 ? _random.Next(4) : 0));
        return Wire.Bytes(o => new OutgoingPublish
        {
            Topic = topic,
            Payload = payload,
            QoS = qos,
            Retain = retain,
            PacketId = qos == MqttQoS.AtMostOnce ? (ushort)0 : id,
            TopicAlias = alias,
        }.WriteTo(o, Version));
    }

    private byte[] Packet(MqttPacketType type)
    {
        // AUTH has no 3.1.1 form.
        return new RandomPackets(_random.Next()).Next(type, type == MqttPacketType.Auth ? MqttProtocolVersion.V500 : Version);
    }

    private byte[] Mutate(byte[] packet)
    {
        var bytes = new List<byte>(packet);
        for (var i = _random.Next(1, 4); i > 0 && bytes.Count > 0; i--)
        {
            var at = _random.Next(bytes.Count);
            switch (_random.Next(7))
            {
                case 0:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 2:
                    bytes[at] = Edges[_random.Next(Edges.Length)];
                    break;
                case 3:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, _random.Next(1, 5)));
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, _random.Next(1, 9))));
                    break;
                case 5:
                    bytes.Insert(at, (byte)_random.Next(256));
                    break;
                default:
                    // The remaining length fits again, so that the fault is found deeper in.
                    bytes = [bytes[0], .. Wire.Frame(0, [.. bytes.Skip(2)])[1..]];
                    break;
            }
        }

        return [.. bytes];
    }

    private bool Coin() => _random.Next(2) == 0;
}
