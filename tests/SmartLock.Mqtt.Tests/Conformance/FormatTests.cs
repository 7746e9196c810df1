using System.Buffers;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Mqtt.Tests.Packets;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>Chapters 1 and 2: data types, fixed header, packet identifiers, as the broker reads and writes them.</summary>
public sealed class FormatTests
{
    private static readonly byte[][] IllFormed = [[0], [97, 0, 98], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xC0, 0x80], [0xFF], [0xF4, 0x90, 0x80, 0x80]];

    public static TheoryData<MqttProtocolVersion> Versions => Raw.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Ill_formed_text_in_a_connect_closes_the_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        foreach (var bad in IllFormed.Select(b => Text(b)))
        {
            byte[][] all =
            [
                Connect(version, 0x02, bad),
                Connect(version, 0x06, Text("c"), NoProperties(version), bad, Text("will")),
                Connect(version, 0x82, Text("c"), bad),
            ];
            foreach (var connect in all)
            {
                var client = broker.Open();
                await client.SendAsync(connect);
                if (version == V500)
                {
                    ConnAckPacket.Read((await client.ReadAsync()).Body, version).ReasonCode.ShouldBe(MqttReasonCode.MalformedPacket);
                }

                (await client.TryReadAsync()).ShouldBeNull();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Ill_formed_text_closes_the_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        foreach (var bad in IllFormed.Select(b => Text(b)))
        {
            List<byte[]> all =
            [
                Raw.Publish(version, 0, bad),
                Subscribe(version, 1, bad, [0]),
                Unsubscribe(version, 1, bad),
            ];
            if (version == V500)
            {
                // Content type, response topic, and both parts of a user property.
                all.Add(Wire.Frame(0x30, [.. Text("t"), (byte)(1 + bad.Length), 0x03, .. bad]));
                all.Add(Wire.Frame(0x30, [.. Text("t"), (byte)(1 + bad.Length), 0x08, .. bad]));
                all.Add(Wire.Frame(0x30, [.. Text("t"), (byte)(4 + bad.Length), 0x26, .. bad, .. Text("v")]));
                all.Add(Wire.Frame(0x30, [.. Text("t"), (byte)(4 + bad.Length), 0x26, .. Text("k"), .. bad]));
            }

            foreach (var packet in all)
            {
                var client = await broker.ConnectAsync("c", version);
                await client.SendAsync(packet);
                await client.ShouldCloseAsync(MqttReasonCode.MalformedPacket, Convert.ToHexString(packet));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_byte_order_mark_is_part_of_the_text(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s", version);
        await subscriber.SubscribeAsync("\uFEFFa");
        var publisher = await broker.ConnectAsync("p", version);
        await publisher.PublishAsync("a", "without");
        await publisher.PublishAsync("\uFEFFa", "with");
        var message = await subscriber.ReadPublishAsync();
        (message.Topic, message.Payload).ShouldBe(("\uFEFFa", "with"));

        // Nor is it another client's name: this one takes nothing over.
        await broker.ConnectAsync("\uFEFFs", version);
        await subscriber.ShouldHaveNothingAsync();
    }

    [Theory]
    [InlineData(127, 1)]
    [InlineData(128, 2)]
    [InlineData(16_383, 2)]
    [InlineData(16_384, 3)]
    [InlineData(2_097_151, 3)]
    [InlineData(2_097_152, 4)]
    public void A_length_is_written_in_as_few_bytes_as_it_takes(int bodyLength, int expected)
    {
        // Topic of one byte behind its length, and no properties.
        var packet = new OutgoingPublish { Topic = "t"u8, Payload = new byte[bodyLength - 3] };
        var output = new ArrayBufferWriter<byte>();
        packet.WriteTo(output, V311);
        output.WrittenCount.ShouldBe(1 + expected + bodyLength);
        packet.GetSize(V311).ShouldBe(output.WrittenCount);
    }

    /// <summary>Every packet that a client may send, with each of its reserved flags wrong.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Reserved_flags_in_a_fixed_header_close_the_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        byte[][] rightOnes = [[0x40, 2, 0, 1], [0x50, 2, 0, 1], [0x62, 2, 0, 1], [0x70, 2, 0, 1], [0x82, 0], [0xA2, 0], [0xC0, 0], [0xE0, 0], [0xF0, 0]];
        foreach (var right in rightOnes)
        {
            for (var bit = 0; bit < 4; bit++)
            {
                var client = await broker.ConnectAsync("c", version);
                await client.SendAsync([(byte)(right[0] ^ (1 << bit)), .. right[1..]]);
                await client.ShouldCloseAsync(MqttReasonCode.MalformedPacket, $"{right[0]:X2} bit {bit}");
            }
        }

        var first = broker.Open();
        await first.SendAsync([0x11, .. Connect(version, 0x02, Text("c"))[1..]]);
        (await first.TryReadAsync()).ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_broker_sends_reserved_flags_as_listed_and_identifiers_as_asked(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        await client.SendAsync(TestBroker.Connect("c", version).WriteTo);
        var connAck = await client.ReadAsync();
        connAck.Header.ShouldBe((byte)0x20);
        connAck.Body[0].ShouldBe((byte)0);
        client = await broker.ConnectAsync("d", version);
        await client.SendAsync(Subscribe(version, 0x1234, Text("t"), [2]));
        var subAck = await client.ReadAsync();
        (subAck.Header, subAck.SubAck().PacketId).ShouldBe(((byte)0x90, (ushort)0x1234));
        await client.PublishAsync("u", "x", MqttQoS.AtLeastOnce, packetId: 0x2345);
        var pubAck = await client.ReadAsync();
        (pubAck.Header, pubAck.Ack(MqttPacketType.PubAck).PacketId).ShouldBe(((byte)0x40, (ushort)0x2345));
        await client.PublishAsync("u", "x", MqttQoS.ExactlyOnce, packetId: 0x3456);
        var pubRec = await client.ReadAsync();
        (pubRec.Header, pubRec.Ack(MqttPacketType.PubRec).PacketId).ShouldBe(((byte)0x50, (ushort)0x3456));
        await client.SendAsync(new AckPacket(MqttPacketType.PubRel, 0x3456));
        var pubComp = await client.ReadAsync();
        (pubComp.Header, pubComp.Ack(MqttPacketType.PubComp).PacketId).ShouldBe(((byte)0x70, (ushort)0x3456));
        broker.Broker.Publish("t", "x"u8, MqttQoS.ExactlyOnce);
        var id = (await client.ReadPublishAsync()).PacketId;
        await client.SendAsync(new AckPacket(MqttPacketType.PubRec, id));
        var pubRel = await client.ReadAsync();
        (pubRel.Header, pubRel.Ack(MqttPacketType.PubRel).PacketId).ShouldBe(((byte)0x62, id));
        await client.SendAsync(Unsubscribe(version, 0x4567, Text("t")));
        var unsubAck = await client.ReadAsync();
        (unsubAck.Header, unsubAck.UnsubAck().PacketId).ShouldBe(((byte)0xB0, (ushort)0x4567));
        await client.SendAsync(0xC0, 0);
        var pingResp = await client.ReadAsync();
        (pingResp.Header, pingResp.Body.Length).ShouldBe(((byte)0xD0, 0));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_packet_identifier_of_zero_closes_the_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        byte[][] all =
        [
            Raw.Publish(version, 0x02, Text("t"), id: [0, 0]),
            Raw.Publish(version, 0x04, Text("t"), id: [0, 0]),
            Subscribe(version, 0, Text("t"), [0]),
            Unsubscribe(version, 0, Text("t")),
        ];
        foreach (var packet in all)
        {
            var client = await broker.ConnectAsync("c", version);
            await client.SendAsync(packet);
            await client.ShouldCloseAsync(MqttReasonCode.ProtocolError);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_qos_0_message_has_no_identifier_and_no_properties_are_a_zero(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c", version);
        await client.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        await client.SendAsync(Raw.Publish(version, 0, Text("t")));
        (await client.ReadAsync()).Body.ShouldBe([.. Text("t"), .. NoProperties(version), (byte)'x']);
        await client.SendAsync(Raw.Publish(version, 0x02, Text("t"), id: [0, 9]));
        var both = new[] { await client.ReadAsync(), await client.ReadAsync() };
        both.Single(p => p.Type == MqttPacketType.Publish).Body.ShouldBe([.. Text("t"), 0, 1, .. NoProperties(version), (byte)'x']);
        await client.SendAsync(Subscribe(version, 7, Text("u"), [0]));
        (await client.ReadAsync()).Body.ShouldBe([0, 7, .. NoProperties(version), 0]);
        await client.SendAsync(Unsubscribe(version, 8, Text("u")));
        (await client.ReadAsync()).Body.ShouldBe(version == V500 ? [0, 8, 0, 0] : [0, 8]);
    }
}
