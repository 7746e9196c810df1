using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Mqtt.Tests.Packets;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>Sections 3.3 to 3.7, 4.3 and 4.6: PUBLISH and its acknowledgements, as the broker takes and gives them.</summary>
public sealed class DeliveryTests
{
    public static TheoryData<MqttProtocolVersion> Versions => Raw.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_duplicate_flag_is_not_passed_on(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s", version);
        await subscriber.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        var publisher = await broker.ConnectAsync("p", version);
        await publisher.PublishAsync("t", "1", MqttQoS.AtLeastOnce, duplicate: true);
        await publisher.PublishAsync("t", "2", MqttQoS.ExactlyOnce, duplicate: true);
        (await subscriber.ReadPublishAsync()).Duplicate.ShouldBeFalse();
        (await subscriber.ReadPublishAsync()).Duplicate.ShouldBeFalse();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_malformed_publish_closes_the_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        (byte[] Packet, MqttReasonCode Reason)[] all =
        [
            (Raw.Publish(version, 0x06, Text("t"), id: [0, 1]), MqttReasonCode.MalformedPacket),
            (Raw.Publish(version, 0x08, Text("t")), MqttReasonCode.MalformedPacket),
            (Raw.Publish(version, 0, Text("t/#")), MqttReasonCode.TopicNameInvalid),
            (Raw.Publish(version, 0, Text("+/t")), MqttReasonCode.TopicNameInvalid),
            (Raw.Publish(version, 0, Text("a+b")), MqttReasonCode.TopicNameInvalid),
            (Raw.Publish(version, 0, Text("")), MqttReasonCode.ProtocolError),
            (Wire.Frame(0x30), MqttReasonCode.MalformedPacket),
            (Wire.Frame(0x30, 0, 9, 97), MqttReasonCode.MalformedPacket),
        ];
        foreach (var (packet, reason) in all)
        {
            var client = await broker.ConnectAsync("c", version);
            await client.SendAsync(packet);
            await client.ShouldCloseAsync(reason, Convert.ToHexString(packet));
        }
    }

    [Fact]
    public async Task A_response_topic_with_a_wildcard_closes_the_connection()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SendAsync(Wire.Frame(0x30, [.. Text("t"), 6, 0x08, .. Text("a/#")]));
        (await client.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.ProtocolError);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_retained_message_is_kept_replaced_and_taken_away(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var standing = await broker.ConnectAsync("standing", version);
        await standing.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        var publisher = await broker.ConnectAsync("p", version);
        await publisher.PublishAsync("t", "1", MqttQoS.AtLeastOnce, retain: true);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubAck);
        await ShouldBeKeptAsync("1", MqttQoS.AtLeastOnce);

        // One that is not to be kept neither takes its place nor takes it away, empty or not.
        await publisher.PublishAsync("t", "2");
        await publisher.PublishAsync("t", "");
        await ShouldBeKeptAsync("1", MqttQoS.AtLeastOnce);

        // The next one does, at QoS 0 as well.
        await publisher.PublishAsync("t", "3", retain: true);
        await ShouldBeKeptAsync("3", MqttQoS.AtMostOnce);

        // An empty one takes it away, is not kept itself, and is delivered like any other.
        await publisher.PublishAsync("t", "", retain: true);
        await publisher.ShouldHaveNothingAsync();
        var late = await broker.ConnectAsync("late", version);
        await late.SubscribeAsync("t");
        await late.ShouldHaveNothingAsync();
        foreach (var payload in new[] { "1", "2", "", "3", "" })
        {
            var message = await standing.ReadPublishAsync();
            (message.Payload, message.Retain).ShouldBe((payload, false));
        }

        async Task ShouldBeKeptAsync(string payload, MqttQoS qos)
        {
            await publisher.ShouldHaveNothingAsync();
            var subscriber = await broker.ConnectAsync("late", version);
            await subscriber.SubscribeAsync("t", MqttQoS.ExactlyOnce);
            var message = await subscriber.ReadPublishAsync();
            (message.Payload, message.Retain, message.QoS, message.Duplicate).ShouldBe((payload, true, qos, false));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_identifier_stands_for_a_new_message_once_it_was_acknowledged(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s", version);
        await subscriber.SubscribeAsync("t");
        var publisher = await broker.ConnectAsync("p", version);
        for (var i = 0; i < 2; i++)
        {
            await publisher.PublishAsync("t", $"one {i}", MqttQoS.AtLeastOnce, packetId: 5, duplicate: i == 1);
            (await publisher.ReadAsync()).Ack(MqttPacketType.PubAck).PacketId.ShouldBe((ushort)5);
            await publisher.PublishAsync("t", $"two {i}", MqttQoS.ExactlyOnce, packetId: 5);
            (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec).PacketId.ShouldBe((ushort)5);
            await publisher.SendAsync(new AckPacket(MqttPacketType.PubRel, 5));
            (await publisher.ReadAsync()).Ack(MqttPacketType.PubComp).PacketId.ShouldBe((ushort)5);
        }

        foreach (var payload in new[] { "one 0", "two 0", "one 1", "two 1" })
        {
            (await subscriber.ReadPublishAsync()).Payload.ShouldBe(payload);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_identifier_that_is_not_known_is_answered_as_such(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c", version);
        var expected = version == V500 ? MqttReasonCode.PacketIdentifierNotFound : MqttReasonCode.Success;
        await client.SendAsync(new AckPacket(MqttPacketType.PubRec, 7));
        (await client.ReadAsync()).Ack(MqttPacketType.PubRel).ShouldBe(new AckPacket(MqttPacketType.PubRel, 7, expected));
        await client.SendAsync(new AckPacket(MqttPacketType.PubRel, 8));
        (await client.ReadAsync()).Ack(MqttPacketType.PubComp).ShouldBe(new AckPacket(MqttPacketType.PubComp, 8, expected));
    }

    [Fact]
    public async Task A_refusing_pubrec_frees_its_identifier()
    {
        await using var broker = new TestBroker();
        broker.Access.ForbiddenTopics.Add("no");
        var subscriber = await broker.ConnectAsync("s");
        await subscriber.SubscribeAsync("t");
        var publisher = await broker.ConnectAsync("p");
        await publisher.PublishAsync("no", "x", MqttQoS.ExactlyOnce, packetId: 5);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        await publisher.PublishAsync("t", "new", MqttQoS.ExactlyOnce, packetId: 5);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec).ReasonCode.ShouldBe(MqttReasonCode.Success);
        (await subscriber.ReadPublishAsync()).Payload.ShouldBe("new");
    }

    [Theory]
    [InlineData(V311, MqttQoS.AtMostOnce)]
    [InlineData(V311, MqttQoS.AtLeastOnce)]
    [InlineData(V311, MqttQoS.ExactlyOnce)]
    [InlineData(V500, MqttQoS.AtMostOnce)]
    [InlineData(V500, MqttQoS.AtLeastOnce)]
    [InlineData(V500, MqttQoS.ExactlyOnce)]
    public async Task Messages_arrive_in_the_order_in_which_they_came(MqttProtocolVersion version, MqttQoS qos)
    {
        await using var broker = new TestBroker(o => o.MaxInflight = 3);
        var subscriber = await broker.ConnectAsync("s", version);
        await subscriber.SubscribeAsync("t", qos);
        var publisher = await broker.ConnectAsync("p", version);
        for (var i = 0; i < 20; i++)
        {
            await publisher.PublishAsync("t", $"{i}", qos);
        }

        for (var next = 0; next < 20;)
        {
            var packet = await subscriber.ReadAsync();
            if (packet.Type == MqttPacketType.PubRel)
            {
                await subscriber.SendAsync(new AckPacket(MqttPacketType.PubComp, packet.Ack(MqttPacketType.PubRel).PacketId));
                continue;
            }

            var message = packet.Publish();
            message.Payload.ShouldBe($"{next++}");
            if (qos != MqttQoS.AtMostOnce)
            {
                var type = qos == MqttQoS.AtLeastOnce ? MqttPacketType.PubAck : MqttPacketType.PubRec;
                await subscriber.SendAsync(new AckPacket(type, message.PacketId));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_full_window_delays_no_other_packet(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker(o => o.MaxInflight = 1);
        var properties = version == V500 ? new MqttProperties { ReceiveMaximum = 1 } : null;
        var client = await broker.ConnectAsync(TestBroker.Connect("c", version) with { Properties = properties });
        await client.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        broker.Broker.Publish("t", "1"u8, MqttQoS.ExactlyOnce);
        broker.Broker.Publish("t", "2"u8, MqttQoS.ExactlyOnce);
        var first = await client.ReadPublishAsync();
        await client.ShouldHaveNothingAsync();

        // QoS 0, and every answer, go past the message that waits.
        broker.Broker.Publish("t", "0"u8);
        (await client.ReadPublishAsync()).Payload.ShouldBe("0");
        await client.SubscribeAsync("u");
        await client.PublishAsync("v", "x", MqttQoS.AtLeastOnce, packetId: 900);
        (await client.ReadAsync()).Ack(MqttPacketType.PubAck);
        await client.PublishAsync("v", "x", MqttQoS.ExactlyOnce, packetId: 901);
        (await client.ReadAsync()).Ack(MqttPacketType.PubRec);
        await client.SendAsync(new AckPacket(MqttPacketType.PubRel, 901));
        (await client.ReadAsync()).Ack(MqttPacketType.PubComp);
        await client.SendAsync(new AckPacket(MqttPacketType.PubRec, first.PacketId));
        (await client.ReadAsync()).Ack(MqttPacketType.PubRel);
        await client.ShouldHaveNothingAsync();
        await client.SendAsync(new AckPacket(MqttPacketType.PubComp, first.PacketId));
        (await client.ReadPublishAsync()).Payload.ShouldBe("2");
    }

    [Fact]
    public async Task Every_alias_up_to_the_maximum_is_taken_and_also_from_a_message_that_is_refused()
    {
        await using var broker = new TestBroker(o => o.MaxTopicAliases = 5);
        broker.Access.ForbiddenTopics.Add("no");
        var subscriber = await broker.ConnectAsync("s");
        await subscriber.SubscribeAsync("#");
        var publisher = await broker.ConnectAsync("p");
        for (ushort alias = 1; alias <= 5; alias++)
        {
            await publisher.PublishAsync($"topic/{alias}", "a", properties: new MqttProperties { TopicAlias = alias });
            await publisher.PublishAsync("", "b", properties: new MqttProperties { TopicAlias = alias });
            (await subscriber.ReadPublishAsync()).Topic.ShouldBe($"topic/{alias}");
            (await subscriber.ReadPublishAsync()).Topic.ShouldBe($"topic/{alias}");
        }

        // The publisher cannot know that it is refused before it uses the alias: a mapping that was missing would end the connection.
        await publisher.PublishAsync("no", "x", MqttQoS.AtLeastOnce, properties: new MqttProperties { TopicAlias = 1 });
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        await publisher.PublishAsync("", "x", MqttQoS.AtLeastOnce, properties: new MqttProperties { TopicAlias = 1 });
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        await subscriber.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_client_that_takes_no_aliases_is_sent_none()
    {
        await using var broker = new TestBroker();
        var absent = await broker.ConnectAsync("absent");
        var zero = await broker.ConnectAsync(TestBroker.Connect("zero") with { Properties = new MqttProperties { TopicAliasMaximum = 0 } });
        foreach (var client in new[] { absent, zero })
        {
            await client.SubscribeAsync("#");
        }

        for (var i = 0; i < 3; i++)
        {
            broker.Broker.Publish("long/topic", "x"u8);
            foreach (var client in new[] { absent, zero })
            {
                var message = await client.ReadPublishAsync();
                (message.Topic, message.Properties).ShouldBe(("long/topic", null));
            }
        }
    }

    [Theory]
    [InlineData(V311, 4096)]
    [InlineData(V500, 1024)]
    public async Task Open_qos_2_exchanges_of_a_client_are_bounded(MqttProtocolVersion version, int bound)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c", version);
        await client.SendAsync(output =>
        {
            for (var id = 1; id <= bound + 1; id++)
            {
                client.WritePublish(output, "t", "", MqttQoS.ExactlyOnce, packetId: (ushort)id);
            }
        });
        for (var id = 1; id <= bound; id++)
        {
            (await client.ReadAsync()).Ack(MqttPacketType.PubRec).PacketId.ShouldBe((ushort)id);
        }

        await client.ShouldCloseAsync(MqttReasonCode.ReceiveMaximumExceeded);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_topic_of_the_greatest_length_is_carried(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c", version);
        await client.SubscribeAsync("#");
        var topic = new string('x', 65_535);
        await client.PublishAsync(topic, "m");
        (await client.ReadPublishAsync()).Topic.ShouldBe(topic);
    }
}
