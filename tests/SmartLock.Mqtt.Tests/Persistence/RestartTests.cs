using System.Globalization;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;

namespace SmartLock.Mqtt.Tests.Persistence;

/// <summary>What a client that lasts finds after the broker was stopped, or killed, and started again.</summary>
public sealed class RestartTests
{
    public static TheoryData<MqttProtocolVersion, bool> Ways => new()
    {
        { MqttProtocolVersion.V311, false },
        { MqttProtocolVersion.V311, true },
        { MqttProtocolVersion.V500, false },
        { MqttProtocolVersion.V500, true },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Queued_messages_are_all_there_once_and_in_order(MqttProtocolVersion version, bool kill)
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var lasting = Restarts.Lasting("c", version);
        var first = await brokers.Now.ConnectAsync(lasting);
        await first.SubscribeAsync("a/#", MqttQoS.ExactlyOnce);
        await first.VanishAsync();
        var publisher = await brokers.Now.ConnectAsync("p", version);
        for (var i = 0; i < 20; i++)
        {
            var qos = i % 2 == 0 ? MqttQoS.AtLeastOnce : MqttQoS.ExactlyOnce;
            var id = await publisher.PublishAsync($"a/{i}", $"m{i}", qos);
            var answer = await publisher.ReadAsync();
            answer.Ack(qos == MqttQoS.AtLeastOnce ? MqttPacketType.PubAck : MqttPacketType.PubRec).PacketId.ShouldBe(id);
        }

        await brokers.RestartAsync(kill: kill);
        var second = await brokers.ReturnAsync(lasting);
        var messages = await ReadAsync(second, 20);
        for (var i = 0; i < 20; i++)
        {
            var message = messages[i];
            var expected = i % 2 == 0 ? MqttQoS.AtLeastOnce : MqttQoS.ExactlyOnce;
            (message.Topic, message.Payload, message.QoS, message.Duplicate, message.PacketId).ShouldBe(($"a/{i}", $"m{i}", expected, false, (ushort)(i + 1)));
            await FinishAsync(second, message);
        }

        await second.ShouldHaveNothingAsync();
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        await brokers.RestartAsync(kill: kill);
        var third = await brokers.ReturnAsync(lasting);
        await third.ShouldHaveNothingAsync();

        // The subscription is there still.
        brokers.Now.Broker.Publish("a/new", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        (await third.TakeAsync()).Payload.ShouldBe("x");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_under_way_goes_again_under_its_identifier(bool kill)
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var lasting = Restarts.Lasting("c", receiveMaximum: 5);
        var first = await brokers.Now.ConnectAsync(lasting);
        await first.SubscribeAsync("a", MqttQoS.ExactlyOnce);
        for (var i = 1; i <= 7; i++)
        {
            brokers.Now.Broker.Publish("a", System.Text.Encoding.UTF8.GetBytes($"m{i}"), i == 4 ? MqttQoS.AtLeastOnce : MqttQoS.ExactlyOnce);
        }

        for (ushort id = 1; id <= 5; id++)
        {
            (await first.ReadPublishAsync()).PacketId.ShouldBe(id);
        }

        await first.SendAsync(new AckPacket(MqttPacketType.PubRec, 2));
        (await first.ReadAsync()).Ack(MqttPacketType.PubRel).PacketId.ShouldBe((ushort)2);
        await first.SendAsync(new AckPacket(MqttPacketType.PubAck, 4));

        // The window still begins at 1: nothing else may be sent. The answer also proves that the PUBACK was seen.
        await first.ShouldHaveNothingAsync();
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        await brokers.RestartAsync(kill: kill);

        var second = await brokers.ReturnAsync(lasting);
        await ExpectAsync(second, 1, "m1", duplicate: true);
        (await second.ReadAsync()).Ack(MqttPacketType.PubRel).PacketId.ShouldBe((ushort)2);
        await ExpectAsync(second, 3, "m3", duplicate: true);
        await ExpectAsync(second, 5, "m5", duplicate: true);
        await second.ShouldHaveNothingAsync();
        await CompleteAsync(second, 1);
        await ExpectAsync(second, 6, "m6", duplicate: false);
        await second.SendAsync(new AckPacket(MqttPacketType.PubComp, 2));
        await ExpectAsync(second, 7, "m7", duplicate: false);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_QoS_2_message_that_is_sent_again_after_a_restart_is_not_published_again(bool kill)
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var subscriber = await brokers.Now.ConnectAsync(Restarts.Lasting("s"));
        await subscriber.SubscribeAsync("a", MqttQoS.ExactlyOnce);
        await subscriber.VanishAsync();
        var publisher = await brokers.Now.ConnectAsync(Restarts.Lasting("p"));
        await publisher.PublishAsync("a", "once", MqttQoS.ExactlyOnce, packetId: 9);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec);

        await brokers.RestartAsync(kill: kill);
        publisher = await brokers.ReturnAsync(Restarts.Lasting("p"));
        await publisher.PublishAsync("a", "once", MqttQoS.ExactlyOnce, packetId: 9, duplicate: true);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec).ReasonCode.ShouldBe(MqttReasonCode.Success);
        await publisher.SendAsync(new AckPacket(MqttPacketType.PubRel, 9));
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubComp).ReasonCode.ShouldBe(MqttReasonCode.Success);

        // Its identifier is free again, and stays so.
        await brokers.RestartAsync(kill: kill);
        publisher = await brokers.ReturnAsync(Restarts.Lasting("p"));
        await publisher.PublishAsync("a", "another", MqttQoS.ExactlyOnce, packetId: 9);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec);
        subscriber = await brokers.ReturnAsync(Restarts.Lasting("s"));
        (await ReadAsync(subscriber, 2)).Select(m => m.Payload).ShouldBe(["once", "another"]);
        await subscriber.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task Subscriptions_keep_their_options_and_what_was_unsubscribed_stays_gone()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var first = await brokers.Now.ConnectAsync(Restarts.Lasting("c"));
        await first.SubscribeAsync(7, new MqttSubscription("a/+", MqttQoS.AtLeastOnce, NoLocal: true, RetainAsPublished: true));
        await first.SubscribeAsync("gone", MqttQoS.AtLeastOnce);
        await first.SubscribeAsync("$share/g/shared", MqttQoS.AtLeastOnce);
        await first.SendAsync(output => new UnsubscribePacket(99, ["gone"]).WriteTo(output, MqttProtocolVersion.V500));
        (await first.ReadAsync()).UnsubAck();

        await brokers.RestartAsync(kill: true);
        var second = await brokers.ReturnAsync(Restarts.Lasting("c"));
        await second.PublishAsync("a/1", "own", MqttQoS.AtLeastOnce);
        (await second.ReadAsync()).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.NoMatchingSubscribers);
        brokers.Now.Broker.Publish("a/2", "x"u8, MqttQoS.AtLeastOnce, retain: true).ShouldBe(1);
        var message = await second.TakeAsync();
        (message.Retain, message.Properties!.SubscriptionIdentifiers!.Single()).ShouldBe((true, 7u));
        brokers.Now.Broker.Publish("gone", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(0);
        brokers.Now.Broker.Publish("shared", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        (await second.TakeAsync()).Topic.ShouldBe("shared");
    }

    [Fact]
    public async Task Identifiers_go_on_where_they_were_after_messages_that_expired()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var first = await brokers.Now.ConnectAsync(Restarts.Lasting("c"));
        await first.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        brokers.Now.Broker.Publish("a", "under way"u8, MqttQoS.AtLeastOnce);
        (await first.ReadPublishAsync()).PacketId.ShouldBe((ushort)1);
        await first.VanishAsync();
        brokers.Now.Broker.Publish("a", "short"u8, MqttQoS.AtLeastOnce, properties: new MqttProperties { MessageExpiryInterval = 10 });
        brokers.Now.Broker.Publish("a", "long"u8, MqttQoS.AtLeastOnce, properties: new MqttProperties { MessageExpiryInterval = 100 });

        await brokers.RestartAsync(TimeSpan.FromSeconds(40));
        var second = await brokers.ReturnAsync(Restarts.Lasting("c"));
        await ExpectAsync(second, 1, "under way", duplicate: true);
        var message = await second.ReadPublishAsync();
        (message.PacketId, message.Payload, message.Properties!.MessageExpiryInterval).ShouldBe(((ushort)3, "long", 60u));
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();

        await brokers.RestartAsync(kill: true);
        var third = await brokers.ReturnAsync(Restarts.Lasting("c"));
        await ExpectAsync(third, 1, "under way", duplicate: true);
        await ExpectAsync(third, 3, "long", duplicate: true);
        await third.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task What_the_bounds_drop_is_dropped_in_the_store_too()
    {
        await using var brokers = new Restarts(o => o.MaxQueuedMessages = 3);
        await brokers.StartAsync();
        var first = await brokers.Now.ConnectAsync(Restarts.Lasting("c"));
        await first.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await first.VanishAsync();
        var delivered = Enumerable.Range(0, 5)
            .Sum(i => brokers.Now.Broker.Publish("a", System.Text.Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture)), MqttQoS.AtLeastOnce));
        delivered.ShouldBe(3);

        brokers.Configure = o => o.MaxQueuedMessages = 2;
        await brokers.RestartAsync();
        brokers.Now.Statistics.Dropped[MqttDropReason.QueueFull].ShouldBe(1);
        brokers.Configure = null;
        await brokers.RestartAsync();
        var second = await brokers.ReturnAsync(Restarts.Lasting("c"));
        (await second.TakeAsync()).Payload.ShouldBe("0");
        (await second.TakeAsync()).Payload.ShouldBe("1");
        await second.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_clean_start_and_a_session_that_ends_with_its_connection_leave_nothing_behind()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        await (await brokers.Now.ConnectAsync(Restarts.Lasting("a"))).SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await (await brokers.Now.ConnectAsync(Restarts.Lasting("b"))).SubscribeAsync("b", MqttQoS.AtLeastOnce);
        await (await brokers.Now.ConnectAsync("d")).SubscribeAsync("d", MqttQoS.AtLeastOnce);
        await brokers.Now.ConnectAsync(Restarts.Lasting("a") with { CleanStart = true });
        await brokers.Now.ConnectAsync(Restarts.Lasting("b", seconds: 0));

        await brokers.RestartAsync(kill: true);
        (brokers.Now.Statistics.Sessions, brokers.Now.Statistics.Subscriptions).ShouldBe((1, 0));
        var client = brokers.Now.Open();
        (await client.ConnectAsync(Restarts.Lasting("a"))).SessionPresent.ShouldBeTrue();
    }

    private static async Task ExpectAsync(TestClient client, ushort id, string payload, bool duplicate)
    {
        var message = await client.ReadPublishAsync();
        (message.PacketId, message.Payload, message.Duplicate).ShouldBe((id, payload, duplicate));
    }

    private static async Task<List<ReceivedPublish>> ReadAsync(TestClient client, int count)
    {
        var messages = new List<ReceivedPublish>();
        while (messages.Count < count)
        {
            messages.Add(await client.ReadPublishAsync());
        }

        return messages;
    }

    private static async Task FinishAsync(TestClient client, ReceivedPublish message)
    {
        if (message.QoS == MqttQoS.ExactlyOnce)
        {
            await CompleteAsync(client, message.PacketId);
            return;
        }

        await client.SendAsync(new AckPacket(MqttPacketType.PubAck, message.PacketId));
    }

    private static async Task CompleteAsync(TestClient client, ushort id)
    {
        await client.SendAsync(new AckPacket(MqttPacketType.PubRec, id));
        (await client.ReadAsync()).Ack(MqttPacketType.PubRel).PacketId.ShouldBe(id);
        await client.SendAsync(new AckPacket(MqttPacketType.PubComp, id));
    }
}
