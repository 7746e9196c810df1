using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Mqtt.Tests.Packets;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>Whole conversations of one side, made by the encoder and then changed; the same seed gives the same bytes.</summary>
internal sealed class Captures(int seed)
{
    private static readonly MqttPacketType[] All = Enum.GetValues<MqttPacketType>().Where(t => t != 0).ToArray();

    // Lengths and identifiers that sit at an edge.
    private static readonly byte[] Edges = [0x00, 0x01, 0x7F, 0x80, 0xFF, 0x23, 0x2B, 0x2F, 0x24];

    private readonly Random _random = new(seed);

    public MqttProtocolVersion Version { get; } = seed % 2 == 0 ? MqttProtocolVersion.V311 : MqttProtocolVersion.V500;

    /// <summary>What a client might send: mostly a valid login, then a few packets of any type.</summary>
    public byte[] FromClient()
    {
        var first = _random.Next(8) == 0
            ? Packet(MqttPacketType.Connect)
            : Wire.Bytes((TestBroker.Connect($"fuzz-{seed % 50}", Version) with { UserName = "fuzz", KeepAlive = 60, CleanStart = Coin() }).WriteTo);
        return [.. Coin() ? first : Mutate(first), .. Packets()];
    }

    /// <summary>What a broker might send once it has accepted a client.</summary>
    public byte[] FromBroker() => Packets();

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
        var all = new List<byte>();
        for (var i = _random.Next(1, 8); i > 0; i--)
        {
            var packet = Packet(All[_random.Next(All.Length)]);
            all.AddRange(_random.Next(3) == 0 ? packet : Mutate(packet));
        }

        return [.. all];
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
