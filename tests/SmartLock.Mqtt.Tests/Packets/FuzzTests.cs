using System.Buffers;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Packets;

public sealed class FuzzTests
{
    private static readonly MqttProtocolVersion[] Versions = [MqttProtocolVersion.V311, MqttProtocolVersion.V500];

    /// <summary>Any other exception than a protocol violation fails the test.</summary>
    [Fact]
    public void Random_bytes_are_refused_or_understood_and_never_break_the_reader()
    {
        var random = new Random(20_260_601);
        var understood = 0;
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = new byte[random.Next(1, 64)];
            random.NextBytes(bytes);
            bytes[0] = (byte)(bytes[0] & 0xF0 | (random.Next(2) == 0 ? 0 : 2));
            if (bytes.Length > 1 && random.Next(4) > 0)
            {
                // Most draws should get past the frame reader.
                bytes[1] = (byte)(bytes.Length - 2);
            }

            understood += TryRead(bytes, Versions[i % 2]);
        }

        understood.ShouldBeGreaterThan(100);
    }

    [Fact]
    public void Valid_packets_with_a_byte_changed_never_break_the_reader()
    {
        var random = new Random(7);
        var types = Enum.GetValues<MqttPacketType>();
        var understood = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var type = types[i % (types.Length - 1)];
            var version = Versions[random.Next(2)];
            var frame = new RandomPackets(i).Next(type, version);
            frame[random.Next(frame.Length)] = (byte)random.Next(256);
            understood += TryRead(frame, version);
        }

        understood.ShouldBeGreaterThan(1_000);
    }

    private static int TryRead(byte[] bytes, MqttProtocolVersion version)
    {
        var understood = 0;
        var buffer = new ReadOnlySequence<byte>(bytes);
        try
        {
            while (MqttFrame.TryRead(ref buffer, 1_000, out var header, out var body))
            {
                Wire.Reencode(header, body.ToArray(), version);
                understood++;
            }
        }
        catch (MqttProtocolException e)
        {
            e.ReasonCode.IsFailure().ShouldBeTrue();
        }

        return understood;
    }
}
