using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class PublishTests
{
    public static TheoryData<int, int> Versions => new() { { 4, 4 }, { 4, 5 }, { 5, 4 }, { 5, 5 } };

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_message_reaches_a_subscriber_at_qos_0(int from, int to)
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s", (MqttProtocolVersion)to);
        var publisher = await broker.ConnectAsync("p", (MqttProtocolVersion)from);
        await subscriber.SubscribeAsync("a/+/c");
        await publisher.PublishAsync("a/b/c", "hello");
        var message = await subscriber.ReadPublishAsync();
        (message.Topic, message.Payload, message.QoS, message.Retain).ShouldBe(("a/b/c", "hello", MqttQoS.AtMostOnce, false));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_message_reaches_a_subscriber_at_qos_1(int from, int to)
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s", (MqttProtocolVersion)to);
        var publisher = await broker.ConnectAsync("p", (MqttProtocolVersion)from);
        await subscriber.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        var id = await publisher.PublishAsync("a", "one", MqttQoS.AtLeastOnce);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubAck).PacketId.ShouldBe(id);
        var message = await subscriber.TakeAsync();
        (message.Payload, message.QoS, message.PacketId).ShouldBe(("one", MqttQoS.AtLeastOnce, (ushort)1));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_message_of_qos_2_is_published_once_however_often_it_is_sent(int from, int to)
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s", (MqttProtocolVersion)to);
        var publisher = await broker.ConnectAsync("p", (MqttProtocolVersion)from);
        await subscriber.SubscribeAsync("a", MqttQoS.ExactlyOnce);
        for (var i = 0; i < 3; i++)
        {
            await publisher.PublishAsync("a", "two", MqttQoS.ExactlyOnce, packetId: 7, duplicate: i > 0);
            (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec).PacketId.ShouldBe((ushort)7);
        }

        await publisher.SendAsync(new AckPacket(MqttPacketType.PubRel, 7));
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubComp).ReasonCode.ShouldBe(MqttReasonCode.Success);

        var message = await subscriber.ReadPublishAsync();
        message.QoS.ShouldBe(MqttQoS.ExactlyOnce);
        await subscriber.SendAsync(new AckPacket(MqttPacketType.PubRec, message.PacketId));
        (await subscriber.ReadAsync()).Ack(MqttPacketType.PubRel).PacketId.ShouldBe(message.PacketId);
        await subscriber.SendAsync(new AckPacket(MqttPacketType.PubComp, message.PacketId));
        await subscriber.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task The_lower_of_both_qos_holds()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await client.PublishAsync("a", "x", MqttQoS.ExactlyOnce, packetId: 1);
        var first = await client.ReadAsync();
        var second = await client.ReadAsync();
        var message = (first.Type == MqttPacketType.Publish ? first : second).Publish();
        message.QoS.ShouldBe(MqttQoS.AtLeastOnce);
    }

    [Fact]
    public async Task A_publisher_learns_that_nobody_subscribes()
    {
        await using var broker = new TestBroker();
        var publisher = await broker.ConnectAsync("p");
        await publisher.PublishAsync("nobody", "x", MqttQoS.AtLeastOnce);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.NoMatchingSubscribers);
    }

    [Fact]
    public async Task No_local_keeps_a_clients_own_messages_from_it()
    {
        await using var broker = new TestBroker();
        var one = await broker.ConnectAsync("one");
        var two = await broker.ConnectAsync("two");
        await one.SubscribeAsync(0, new MqttSubscription("a", NoLocal: true));
        await one.PublishAsync("a", "own");
        await one.ShouldHaveNothingAsync();
        await two.PublishAsync("a", "foreign");
        (await one.ReadPublishAsync()).Payload.ShouldBe("foreign");
    }

    [Fact]
    public async Task Overlapping_subscriptions_give_one_copy_with_all_identifiers_at_the_highest_qos()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("a/#", MqttQoS.AtMostOnce, identifier: 3);
        await client.SubscribeAsync("a/b", MqttQoS.AtLeastOnce, identifier: 300);
        await client.SubscribeAsync("+/b", MqttQoS.AtMostOnce);
        broker.Broker.Publish("a/b", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        var message = await client.TakeAsync();
        message.QoS.ShouldBe(MqttQoS.AtLeastOnce);
        message.Properties!.SubscriptionIdentifiers.ShouldBe([3u, 300u]);
        await client.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task Subscribing_again_replaces_the_subscription()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce, identifier: 1);
        await client.SubscribeAsync("a", MqttQoS.AtMostOnce, identifier: 2);
        broker.Broker.Publish("a", "x"u8, MqttQoS.AtLeastOnce);
        var message = await client.ReadPublishAsync();
        message.QoS.ShouldBe(MqttQoS.AtMostOnce);
        message.Properties!.SubscriptionIdentifiers.ShouldBe([2u]);
        broker.Statistics.Subscriptions.ShouldBe(1);
    }

    [Fact]
    public async Task Nothing_arrives_after_unsubscribe()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("a");
        await client.SendAsync(output => new UnsubscribePacket(9, ["a", "b"]).WriteTo(output, MqttProtocolVersion.V500));
        (await client.ReadAsync()).UnsubAck().ReasonCodes.ShouldBe([MqttReasonCode.Success, MqttReasonCode.NoSubscriptionExisted]);
        broker.Broker.Publish("a", "x"u8).ShouldBe(0);
        await client.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task Wildcards_do_not_reach_topics_that_begin_with_a_dollar_sign()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("#");
        await client.SubscribeAsync("+/x");
        broker.Broker.Publish("$hidden/x", "x"u8).ShouldBe(0);
        await client.SubscribeAsync("$hidden/#");
        broker.Broker.Publish("$hidden/x", "x"u8).ShouldBe(1);
    }

    [Fact]
    public async Task Application_properties_travel_unchanged_and_in_order()
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s");
        var publisher = await broker.ConnectAsync("p");
        await subscriber.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        var sent = new MqttProperties
        {
            PayloadFormatIndicator = 1,
            ContentType = "application/json",
            ResponseTopic = "answers/1",
            CorrelationData = new byte[] { 1, 2, 3 },
            UserProperties = [new("k", "1"), new("k", "2"), new("a", "z")],
            TopicAlias = 1,
            MessageExpiryInterval = 30,
        };
        foreach (var qos in new[] { MqttQoS.AtMostOnce, MqttQoS.AtLeastOnce })
        {
            await publisher.PublishAsync("a", "{}", qos, properties: sent);
            var got = (await subscriber.TakeAsync()).Properties!;
            got.PayloadFormatIndicator.ShouldBe((byte)1);
            got.ContentType.ShouldBe("application/json");
            got.ResponseTopic.ShouldBe("answers/1");
            got.CorrelationData!.Value.ToArray().ShouldBe([1, 2, 3]);
            got.UserProperties.ShouldBe([new("k", "1"), new("k", "2"), new("a", "z")]);
            got.TopicAlias.ShouldBeNull();
            got.MessageExpiryInterval.ShouldBe(30u);
        }
    }
}
