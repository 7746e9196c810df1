using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>Sessions and wills over connections (sections 3.1.2, 3.14, 4.1 and 4.4), as the broker keeps them.</summary>
public sealed class SessionStateTests
{
    public static TheoryData<MqttProtocolVersion> Versions => Raw.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_session_is_resumed_or_begun_as_asked(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var first = broker.Open();
        (await first.ConnectAsync(Lasting("c", version))).SessionPresent.ShouldBeFalse();
        await first.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        await first.LeaveAsync();
        broker.Broker.Publish("t", "1"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        broker.Broker.Publish("t", "2"u8, MqttQoS.ExactlyOnce).ShouldBe(1);

        // The CONNACK comes first, then what waited.
        var second = broker.Open();
        (await second.ConnectAsync(Lasting("c", version))).SessionPresent.ShouldBeTrue();
        (await second.ReadPublishAsync()).Payload.ShouldBe("1");
        (await second.ReadPublishAsync()).Payload.ShouldBe("2");
        await second.VanishAsync();

        // A clean one takes all of it away, and leaves nothing itself.
        var clean = broker.Open();
        (await clean.ConnectAsync(TestBroker.Connect("c", version))).SessionPresent.ShouldBeFalse();
        await clean.ShouldHaveNothingAsync();
        broker.Broker.Publish("t", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(0);
        await clean.SubscribeAsync("t", MqttQoS.AtLeastOnce);
        await clean.LeaveAsync();
        broker.Broker.Publish("t", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(0);
        var last = broker.Open();
        (await last.ConnectAsync(Lasting("c", version))).SessionPresent.ShouldBeFalse();
        await last.ShouldHaveNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Retained_messages_outlive_the_session_that_published_them(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var publisher = await broker.ConnectAsync("p", version);
        await publisher.PublishAsync("t", "kept", retain: true);
        await publisher.LeaveAsync();
        broker.Statistics.Sessions.ShouldBe(0);
        var subscriber = await broker.ConnectAsync("s", version);
        await subscriber.SubscribeAsync("t");
        (await subscriber.ReadPublishAsync()).Payload.ShouldBe("kept");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_session_lasts_at_least_as_long_as_its_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker(o => o.MaxSessionExpiry = TimeSpan.FromSeconds(1));
        var client = await broker.ConnectAsync(Lasting("c", version) with { KeepAlive = 60 });
        await client.SubscribeAsync("t", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 10; i++)
        {
            broker.Clock.Advance(TimeSpan.FromSeconds(50));
            await client.ShouldHaveNothingAsync();
        }

        broker.Broker.Publish("t", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        (await client.TakeAsync()).Payload.ShouldBe("x");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task What_is_unacknowledged_is_sent_again_with_its_identifier_and_only_on_a_new_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c", version) with { KeepAlive = 600 });
        await first.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        var sent = new List<ReceivedPublish>();
        for (var i = 0; i < 4; i++)
        {
            broker.Broker.Publish("t", new[] { (byte)('0' + i) }, i % 2 == 0 ? MqttQoS.AtLeastOnce : MqttQoS.ExactlyOnce);
            sent.Add(await first.ReadPublishAsync());
        }

        sent.ShouldAllBe(p => !p.Duplicate && p.PacketId != 0);
        sent.Select(p => p.PacketId).Distinct().Count().ShouldBe(4);
        await first.SendAsync(new AckPacket(MqttPacketType.PubRec, sent[1].PacketId));
        (await first.ReadAsync()).Ack(MqttPacketType.PubRel);
        broker.Clock.Advance(TimeSpan.FromSeconds(500));
        await first.ShouldHaveNothingAsync();
        await first.VanishAsync();

        var second = await broker.ConnectAsync(Lasting("c", version));
        foreach (var expected in sent)
        {
            var packet = await second.ReadAsync();
            if (expected == sent[1])
            {
                packet.Ack(MqttPacketType.PubRel).PacketId.ShouldBe(expected.PacketId);
                continue;
            }

            packet.Publish().ShouldBe(expected with { Duplicate = true });
        }

        // The exchanges end as they would have; then nothing is left.
        await second.SendAsync(new AckPacket(MqttPacketType.PubAck, sent[0].PacketId));
        await second.SendAsync(new AckPacket(MqttPacketType.PubComp, sent[1].PacketId));
        await second.SendAsync(new AckPacket(MqttPacketType.PubAck, sent[2].PacketId));
        await second.SendAsync(new AckPacket(MqttPacketType.PubRec, sent[3].PacketId));
        (await second.ReadAsync()).Ack(MqttPacketType.PubRel).PacketId.ShouldBe(sent[3].PacketId);
        await second.SendAsync(new AckPacket(MqttPacketType.PubComp, sent[3].PacketId));
        await second.LeaveAsync();
        await (await broker.ConnectAsync(Lasting("c", version))).ShouldHaveNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_qos_2_message_is_published_once_though_the_connection_is_lost_before_its_release(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s", version);
        await subscriber.SubscribeAsync("t");
        var first = await broker.ConnectAsync(Lasting("p", version));
        await first.PublishAsync("t", "x", MqttQoS.ExactlyOnce, packetId: 5);
        (await first.ReadAsync()).Ack(MqttPacketType.PubRec);
        await first.VanishAsync();
        var second = await broker.ConnectAsync(Lasting("p", version));
        await second.PublishAsync("t", "x", MqttQoS.ExactlyOnce, packetId: 5, duplicate: true);
        (await second.ReadAsync()).Ack(MqttPacketType.PubRec).PacketId.ShouldBe((ushort)5);
        await second.SendAsync(new AckPacket(MqttPacketType.PubRel, 5));
        (await second.ReadAsync()).Ack(MqttPacketType.PubComp).PacketId.ShouldBe((ushort)5);
        await second.PublishAsync("t", "y", MqttQoS.ExactlyOnce, packetId: 5);
        (await second.ReadAsync()).Ack(MqttPacketType.PubRec);
        (await subscriber.ReadPublishAsync()).Payload.ShouldBe("x");
        (await subscriber.ReadPublishAsync()).Payload.ShouldBe("y");
        await subscriber.ShouldHaveNothingAsync();
    }

    [Theory]
    [InlineData(V311, MqttQoS.AtMostOnce, false)]
    [InlineData(V311, MqttQoS.ExactlyOnce, true)]
    [InlineData(V500, MqttQoS.AtLeastOnce, true)]
    [InlineData(V500, MqttQoS.AtMostOnce, false)]
    public async Task A_will_is_published_once_as_it_was_left(MqttProtocolVersion version, MqttQoS qos, bool retain)
    {
        await using var broker = new TestBroker();
        var heir = await broker.ConnectAsync("heir", version);
        await heir.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        var connect = Lasting("mortal", version) with { Will = new MqttWill("t", "gone"u8.ToArray()) { QoS = qos, Retain = retain } };
        await (await broker.ConnectAsync(connect)).VanishAsync();
        var will = await heir.ReadPublishAsync();
        (will.Payload, will.QoS, will.Retain).ShouldBe(("gone", qos, false));
        broker.Statistics.RetainedMessages.ShouldBe(retain ? 1 : 0);

        // It went with the connection that left it: the next one has none.
        await (await broker.ConnectAsync(Lasting("mortal", version))).VanishAsync();
        await heir.ShouldHaveNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_goodbye_takes_the_will_along_and_nothing_behind_it_is_heeded(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var heir = await broker.ConnectAsync("heir", version);
        await heir.SubscribeAsync("#");
        var client = await broker.ConnectAsync(TestBroker.Connect("c", version) with { Will = new MqttWill("will", "gone"u8.ToArray()) });
        await client.SendAsync([0xE0, 0, .. Raw.Publish(version, 0, Text("t"))]);
        (await client.TryReadAsync()).ShouldBeNull();
        await client.Served.WaitAsync(TimeSpan.FromSeconds(20));
        await heir.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_will_keeps_its_user_properties_in_their_order()
    {
        await using var broker = new TestBroker();
        var heir = await broker.ConnectAsync("heir");
        await heir.SubscribeAsync("t");
        MqttUserProperty[] all = [new("b", "1"), new("a", "2"), new("b", "3")];
        var will = new MqttWill("t", default) { Properties = new MqttProperties { UserProperties = all } };
        await (await broker.ConnectAsync(TestBroker.Connect("mortal") with { Will = will })).VanishAsync();
        (await heir.ReadPublishAsync()).Properties!.UserProperties.ShouldBe(all);
    }

    [Fact]
    public async Task A_refusing_acknowledgement_is_one_and_the_message_is_not_sent_again()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c", V500));
        await first.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        broker.Broker.Publish("t", "x"u8, MqttQoS.AtLeastOnce);
        broker.Broker.Publish("t", "x"u8, MqttQoS.ExactlyOnce);
        await first.SendAsync(new AckPacket(MqttPacketType.PubAck, (await first.ReadPublishAsync()).PacketId, MqttReasonCode.QuotaExceeded));
        await first.SendAsync(new AckPacket(MqttPacketType.PubRec, (await first.ReadPublishAsync()).PacketId, MqttReasonCode.QuotaExceeded));
        await first.ShouldHaveNothingAsync();
        await first.VanishAsync();
        await (await broker.ConnectAsync(Lasting("c", V500))).ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_message_that_was_sent_does_not_expire_any_more()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c", V500));
        await first.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        var soon = new MqttProperties { MessageExpiryInterval = 10 };
        broker.Broker.Publish("t", "1"u8, MqttQoS.ExactlyOnce, properties: soon);
        broker.Broker.Publish("t", "2"u8, MqttQoS.ExactlyOnce, properties: soon);
        var id = (await first.ReadPublishAsync()).PacketId;
        var other = (await first.ReadPublishAsync()).PacketId;
        await first.SendAsync(new AckPacket(MqttPacketType.PubRec, id));
        (await first.ReadAsync()).Ack(MqttPacketType.PubRel);
        await first.VanishAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(100));
        var second = await broker.ConnectAsync(Lasting("c", V500));
        (await second.ReadAsync()).Ack(MqttPacketType.PubRel).PacketId.ShouldBe(id);
        var again = await second.ReadPublishAsync();
        (again.PacketId, again.Payload, again.Duplicate).ShouldBe((other, "2", true));
    }

    /// <summary>One that expires on its way through the broker ends its exchange with the publisher all the same.</summary>
    [Fact]
    public async Task An_exchange_goes_on_though_its_message_has_expired()
    {
        await using var broker = new TestBroker();
        var publisher = await broker.ConnectAsync("p");
        var soon = new MqttProperties { MessageExpiryInterval = 1 };
        await publisher.PublishAsync("t", "x", MqttQoS.ExactlyOnce, retain: true, properties: soon, packetId: 3);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec);
        broker.Clock.Advance(TimeSpan.FromSeconds(5));
        await publisher.SendAsync(new AckPacket(MqttPacketType.PubRel, 3));
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubComp).ReasonCode.ShouldBe(MqttReasonCode.Success);
    }
}
