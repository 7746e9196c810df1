using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Packets;

public sealed class RoundTripTests
{
    public static TheoryData<MqttPacketType, MqttProtocolVersion> EveryPacket()
    {
        var data = new TheoryData<MqttPacketType, MqttProtocolVersion>();
        foreach (var type in Enum.GetValues<MqttPacketType>())
        {
            data.Add(type, MqttProtocolVersion.V500);
            if (type != MqttPacketType.Auth)
            {
                data.Add(type, MqttProtocolVersion.V311);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(EveryPacket))]
    public void What_is_written_is_read_and_written_alike(MqttPacketType type, MqttProtocolVersion version)
    {
        Prop.ForAll<int>(seed =>
        {
            var frame = new RandomPackets(seed).Next(type, version);
            return Wire.Reencode(frame, version).SequenceEqual(frame);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Theory]
    [MemberData(nameof(EveryPacket))]
    public void A_body_cut_short_anywhere_is_refused_or_is_another_valid_packet(MqttPacketType type, MqttProtocolVersion version)
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var body = Wire.Body(new RandomPackets(seed).Next(type, version), out var header);
            for (var length = 0; length < body.Length; length++)
            {
                var cut = body[..length];
                try
                {
                    Wire.Reencode(header, cut, version);
                }
                catch (MqttProtocolException e)
                {
                    e.ReasonCode.ShouldBeOneOf(MqttReasonCode.MalformedPacket, MqttReasonCode.ProtocolError);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(EveryPacket))]
    public void A_frame_cut_short_anywhere_asks_for_more(MqttPacketType type, MqttProtocolVersion version)
    {
        var frame = new RandomPackets(7).Next(type, version);
        for (var length = 0; length < frame.Length; length++)
        {
            var buffer = new ReadOnlySequence<byte>(frame, 0, length);
            MqttFrame.TryRead(ref buffer, uint.MaxValue, out _, out _).ShouldBeFalse();
            buffer.Length.ShouldBe(length);
        }
    }

    [Theory]
    [MemberData(nameof(EveryPacket))]
    public void Segments_of_one_byte_read_like_one_piece(MqttPacketType type, MqttProtocolVersion version)
    {
        var frame = new RandomPackets(3).Next(type, version);
        var buffer = Segments.Of([.. frame, .. frame], 1);
        for (var i = 0; i < 2; i++)
        {
            MqttFrame.TryRead(ref buffer, uint.MaxValue, out var header, out var sequence).ShouldBeTrue();
            using var body = new ContiguousBody(sequence);
            Wire.Reencode(header, body.Span.ToArray(), version).ShouldBe(frame);
        }

        buffer.Length.ShouldBe(0);
    }

    /// <summary>The example of MQTT 5.0 figure 3-6, and the 3.1.1 form of the same.</summary>
    [Fact]
    public void A_connect_is_laid_out_as_the_specification_shows()
    {
        var packet = new ConnectPacket
        {
            ProtocolVersion = MqttProtocolVersion.V500,
            CleanStart = true,
            KeepAlive = 10,
            ClientId = "c",
            UserName = "u",
            Password = "p"u8.ToArray(),
            Will = new MqttWill("w", "x"u8.ToArray()) { QoS = MqttQoS.AtLeastOnce },
            Properties = new MqttProperties { SessionExpiryInterval = 10 },
        };
        Wire.Bytes(packet.WriteTo).ShouldBe(Wire.Frame(
            0x10,
            [
                0, 4, .. "MQTT"u8, 5, 0b1100_1110, 0, 10,
                5, 0x11, 0, 0, 0, 10,
                0, 1, (byte)'c', 0, 0, 1, (byte)'w', 0, 1, (byte)'x', 0, 1, (byte)'u', 0, 1, (byte)'p',
            ]));
        var old = packet with { ProtocolVersion = MqttProtocolVersion.V311 };
        Wire.Bytes(old.WriteTo).ShouldBe(Wire.Frame(
            0x10,
            [
                0, 4, .. "MQTT"u8, 4, 0b1100_1110, 0, 10,
                0, 1, (byte)'c', 0, 1, (byte)'w', 0, 1, (byte)'x', 0, 1, (byte)'u', 0, 1, (byte)'p',
            ]));
    }

    [Fact]
    public void A_publish_view_gives_its_parts()
    {
        var properties = new MqttProperties
        {
            PayloadFormatIndicator = 1,
            MessageExpiryInterval = 60,
            TopicAlias = 3,
            SubscriptionIdentifiers = [5, 300],
            ContentType = "application/json",
            UserProperties = [new("k", "v")],
        };
        var frame = Wire.Bytes(o => new OutgoingPublish
        {
            Topic = "a/b"u8,
            Payload = "{}"u8,
            QoS = MqttQoS.AtLeastOnce,
            Retain = true,
            Duplicate = true,
            PacketId = 0x1234,
            Properties = OutgoingPublish.EncodeProperties(properties),
        }.WriteTo(o, MqttProtocolVersion.V500));
        var body = Wire.Body(frame, out var header);
        header.ShouldBe((byte)0b0011_1011);
        var packet = PublishPacket.Read(header, body, MqttProtocolVersion.V500);
        Encoding.UTF8.GetString(packet.Topic).ShouldBe("a/b");
        Encoding.UTF8.GetString(packet.Payload).ShouldBe("{}");
        packet.PacketId.ShouldBe((ushort)0x1234);
        packet.TopicAlias.ShouldBe((ushort)3);
        packet.MessageExpiryInterval.ShouldBe(60u);
        packet.SubscriptionIdentifier.ShouldBe(5u);
        packet.HasOnlyForwardableProperties.ShouldBeFalse();
        packet.DecodeProperties()!.SubscriptionIdentifiers.ShouldBe([5u, 300u]);

        Span<byte> forwardable = new byte[packet.Properties.Length];
        forwardable = forwardable[..packet.CopyForwardableProperties(forwardable)];
        var expected = new MqttProperties
        {
            PayloadFormatIndicator = 1,
            ContentType = "application/json",
            UserProperties = [new("k", "v")],
        };
        forwardable.ToArray().ShouldBe(OutgoingPublish.EncodeProperties(expected));
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public void What_a_hop_adds_to_shared_bytes_is_read_back(MqttProtocolVersion version)
    {
        var frame = Wire.Bytes(o => new OutgoingPublish
        {
            Topic = "a"u8,
            Payload = "x"u8,
            QoS = MqttQoS.ExactlyOnce,
            PacketId = 9,
            TopicAlias = 2,
            MessageExpiryInterval = 7,
            SubscriptionIdentifiers = [1, 200],
            Properties = OutgoingPublish.EncodeProperties(new MqttProperties { ContentType = "t" }),
        }.WriteTo(o, version));
        var body = Wire.Body(frame, out var header);
        var decoded = PublishPacket.Read(header, body, version).DecodeProperties();
        if (version == MqttProtocolVersion.V311)
        {
            decoded.ShouldBeNull();
            return;
        }

        decoded!.TopicAlias.ShouldBe((ushort)2);
        decoded.MessageExpiryInterval.ShouldBe(7u);
        decoded.SubscriptionIdentifiers.ShouldBe([1u, 200u]);
        decoded.ContentType.ShouldBe("t");
    }

    [Fact]
    public void Refusals_are_written_as_return_codes_to_a_3_1_1_client()
    {
        var frame = Wire.Bytes(o => new ConnAckPacket(false, MqttReasonCode.NotAuthorized).WriteTo(o, MqttProtocolVersion.V311));
        frame.ShouldBe([0x20, 2, 0, 5]);
        ConnAckPacket.Read(Wire.Body(frame, out _), MqttProtocolVersion.V311).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        var subAck = new SubAckPacket(1, [MqttReasonCode.QuotaExceeded]);
        Wire.Bytes(o => subAck.WriteTo(o, MqttProtocolVersion.V311)).ShouldBe([0x90, 3, 0, 1, 0x80]);
    }

    [Fact]
    public void Passwords_are_not_printed()
    {
        var packet = new ConnectPacket
        {
            ProtocolVersion = MqttProtocolVersion.V500,
            ClientId = "c",
            UserName = "u",
            Password = "hunter2"u8.ToArray(),
        };
        packet.ToString().ShouldBe("CONNECT c (V500)");
    }
}
