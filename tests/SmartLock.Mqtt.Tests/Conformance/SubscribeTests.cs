using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>Sections 3.8 to 3.11, 4.7 and 4.8: subscriptions, as the broker takes and serves them.</summary>
public sealed class SubscribeTests
{
    public static TheoryData<MqttProtocolVersion> Versions => Raw.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_filter_of_a_subscribe_is_answered_in_its_place(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        broker.Access.ForbiddenFilters.Add("no");
        var client = await broker.ConnectAsync("c", version);
        await client.SendAsync(Subscribe(version, 77, Text("a"), [2], Text("no"), [1], Text("b/+"), [0], Text("a"), [1]));
        var answer = (await client.ReadAsync()).SubAck();
        answer.PacketId.ShouldBe((ushort)77);
        var refusal = version == V500 ? MqttReasonCode.NotAuthorized : MqttReasonCode.UnspecifiedError;
        answer.ReasonCodes.ShouldBe([MqttReasonCode.GrantedQoS2, refusal, MqttReasonCode.Success, MqttReasonCode.GrantedQoS1]);

        // As if they had come one after the other: the later one for the same filter holds, and there is but one.
        broker.Broker.Publish("a", "x"u8, MqttQoS.ExactlyOnce).ShouldBe(1);
        (await client.ReadPublishAsync()).QoS.ShouldBe(MqttQoS.AtLeastOnce);
        await client.ShouldHaveNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_malformed_subscription_closes_the_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        List<(byte[] Packet, MqttReasonCode Reason)> all =
        [
            (Subscribe(version, 1), MqttReasonCode.ProtocolError),
            (Subscribe(version, 1, Text("a"), [3]), MqttReasonCode.ProtocolError),
            (Subscribe(version, 1, Text("a"), [0x40]), MqttReasonCode.MalformedPacket),
            (Subscribe(version, 1, Text("a"), [0x80]), MqttReasonCode.MalformedPacket),
            (Subscribe(version, 1, Text("a")), MqttReasonCode.MalformedPacket),
            (Unsubscribe(version, 1), MqttReasonCode.ProtocolError),
        ];
        foreach (var filter in new[] { "", "a#", "#/a", "a/#/b", "a+", "+a/b", "##", "++", "a/+b", "$share//a", "$share/g", "$share/g/", "$share/+/a", "$share/#/a" })
        {
            all.Add((Subscribe(version, 1, Text(filter), [0]), MqttReasonCode.TopicFilterInvalid));
            all.Add((Unsubscribe(version, 1, Text(filter)), MqttReasonCode.TopicFilterInvalid));
        }

        if (version == V311)
        {
            all.AddRange(new byte[] { 4, 8, 16, 32 }.Select(bit => (Subscribe(version, 1, Text("a"), [bit]), MqttReasonCode.MalformedPacket)));
        }

        foreach (var (packet, reason) in all)
        {
            var client = await broker.ConnectAsync("c", version);
            await client.SendAsync(packet);
            await client.ShouldCloseAsync(reason, Convert.ToHexString(packet));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_message_comes_at_the_lower_of_its_own_and_the_granted_qos(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        foreach (var granted in Enum.GetValues<MqttQoS>())
        {
            var client = await broker.ConnectAsync($"c{granted}", version);
            await client.SubscribeAsync("t", granted);
            foreach (var published in Enum.GetValues<MqttQoS>())
            {
                broker.Broker.Publish("t", "x"u8, published);
                (await client.ReadPublishAsync()).QoS.ShouldBe(granted < published ? granted : published);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Overlapping_subscriptions_serve_a_message_at_the_highest_qos(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c", version);
        await client.SubscribeAsync("t/#", MqttQoS.AtLeastOnce);
        await client.SubscribeAsync("t/+", MqttQoS.ExactlyOnce);
        await client.SubscribeAsync("t/a", MqttQoS.AtMostOnce);
        broker.Broker.Publish("t/a", "x"u8, MqttQoS.ExactlyOnce);
        var message = await client.ReadPublishAsync();
        (message.Topic, message.QoS).ShouldBe(("t/a", MqttQoS.ExactlyOnce));
        await client.ShouldHaveNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Subscribing_again_replaces_loses_nothing_and_sends_again_what_is_retained(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        broker.Broker.Publish("t", "kept"u8, MqttQoS.ExactlyOnce, retain: true);
        var client = await broker.ConnectAsync("c", version);
        await client.SubscribeAsync("t", MqttQoS.AtLeastOnce);
        (await client.TakeAsync()).Retain.ShouldBeTrue();
        broker.Broker.Publish("t", "1"u8, MqttQoS.ExactlyOnce);
        await client.SendAsync(Subscribe(version, 99, Text("t"), [2]));
        (await client.TakeAsync()).Payload.ShouldBe("1");
        (await client.ReadAsync()).SubAck().ReasonCodes.ShouldBe([MqttReasonCode.GrantedQoS2]);
        var again = await client.ReadPublishAsync();
        (again.Payload, again.Retain, again.QoS).ShouldBe(("kept", true, MqttQoS.ExactlyOnce));
        broker.Broker.Publish("t", "2"u8, MqttQoS.ExactlyOnce).ShouldBe(1);
        var next = await client.ReadPublishAsync();
        (next.Payload, next.QoS).ShouldBe(("2", MqttQoS.ExactlyOnce));
        broker.Statistics.Subscriptions.ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Filters_and_names_are_compared_character_by_character(MqttProtocolVersion version)
    {
        // Composed and decomposed, case, empty levels, a byte order mark: all different.
        string[] all = ["a", "A", "a/", "/a", "a//b", "a/b", "\u00E9", "e\u0301", "\uFEFFa", " a", "a "];
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c", version);
        foreach (var filter in all)
        {
            await client.SubscribeAsync(filter);
            foreach (var topic in all)
            {
                broker.Broker.Publish(topic, "x"u8).ShouldBe(topic == filter ? 1 : 0, $"{filter} and {topic}");
            }

            (await client.ReadPublishAsync()).Topic.ShouldBe(filter);
            foreach (var other in all.Where(f => f != filter).Append("#").Append("+"))
            {
                await client.SendAsync(Unsubscribe(version, 9, Text(other)));
                (await client.ReadAsync()).UnsubAck().PacketId.ShouldBe((ushort)9);
            }

            broker.Statistics.Subscriptions.ShouldBe(1);
            await client.SendAsync(Unsubscribe(version, 10, Text(filter)));
            (await client.ReadAsync()).UnsubAck().PacketId.ShouldBe((ushort)10);
            broker.Statistics.Subscriptions.ShouldBe(0);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Unsubscribing_takes_every_named_filter_away_and_is_answered_once(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c", version);
        await client.SubscribeAsync("a");
        await client.SubscribeAsync("b/+");
        await client.SendAsync(Unsubscribe(version, 300, Text("b/+"), Text("none"), Text("a")));
        var answer = (await client.ReadAsync()).UnsubAck();
        answer.PacketId.ShouldBe((ushort)300);
        answer.ReasonCodes.ShouldBe(version == V500 ? [MqttReasonCode.Success, MqttReasonCode.NoSubscriptionExisted, MqttReasonCode.Success] : []);
        broker.Broker.Publish("a", "x"u8).ShouldBe(0);
        broker.Broker.Publish("b/c", "x"u8).ShouldBe(0);
        await client.ShouldHaveNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task What_was_sent_before_an_unsubscribe_is_delivered_to_its_end(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c", version));
        await first.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        broker.Broker.Publish("t", "1"u8, MqttQoS.AtLeastOnce);
        broker.Broker.Publish("t", "2"u8, MqttQoS.ExactlyOnce);
        var one = await first.ReadPublishAsync();
        var two = await first.ReadPublishAsync();
        await first.SendAsync(Unsubscribe(version, 5, Text("t")));
        (await first.ReadAsync()).UnsubAck();
        broker.Broker.Publish("t", "3"u8, MqttQoS.AtLeastOnce).ShouldBe(0);
        await first.VanishAsync();
        var second = await broker.ConnectAsync(Lasting("c", version));
        (await second.ReadPublishAsync()).ShouldBe(one with { Duplicate = true });
        (await second.ReadPublishAsync()).ShouldBe(two with { Duplicate = true });
        await second.SendAsync(new AckPacket(MqttPacketType.PubAck, one.PacketId));
        await second.SendAsync(new AckPacket(MqttPacketType.PubRec, two.PacketId));
        (await second.ReadAsync()).Ack(MqttPacketType.PubRel).PacketId.ShouldBe(two.PacketId);
        await second.SendAsync(new AckPacket(MqttPacketType.PubComp, two.PacketId));
        await second.ShouldHaveNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Wildcards_in_front_do_not_reach_topics_with_a_dollar_sign_and_others_do(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        broker.Broker.Publish("$x/a", "kept"u8, retain: true);
        var client = await broker.ConnectAsync("c", version);
        await client.SubscribeAsync("#");
        await client.SubscribeAsync("+/a");
        broker.Broker.Publish("$x/a", "x"u8).ShouldBe(0);
        await client.ShouldHaveNothingAsync();
        await client.SubscribeAsync("$x/+");
        (await client.ReadPublishAsync()).Payload.ShouldBe("kept");
        broker.Broker.Publish("$x/a", "x"u8).ShouldBe(1);
    }

    [Fact]
    public async Task No_local_holds_for_what_is_retained_too()
    {
        await using var broker = new TestBroker();
        var one = await broker.ConnectAsync("one");
        var two = await broker.ConnectAsync("two");
        await one.PublishAsync("own", "x", retain: true);
        await two.PublishAsync("foreign", "x", retain: true);
        await one.ShouldHaveNothingAsync();
        await two.ShouldHaveNothingAsync();
        await one.LeaveAsync();
        var again = await broker.ConnectAsync("one");
        await again.SubscribeAsync(0, new MqttSubscription("#", NoLocal: true));
        (await again.ReadPublishAsync()).Topic.ShouldBe("foreign");
        await again.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_shared_copy_carries_the_identifier_of_its_own_subscription()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("t", identifier: 1);
        await client.SubscribeAsync("$share/g/t", identifier: 2);
        await client.SubscribeAsync("$share/h/t");
        broker.Broker.Publish("t", "x"u8).ShouldBe(3);
        var identifiers = new List<uint?>();
        for (var i = 0; i < 3; i++)
        {
            identifiers.Add((await client.ReadPublishAsync()).Properties?.SubscriptionIdentifiers?.Single());
        }

        identifiers.Order().ShouldBe(new uint?[] { null, 1, 2 });
    }

    [Fact]
    public async Task A_shared_message_stays_with_the_member_that_was_given_it()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("one", V500));
        await first.SubscribeAsync("$share/g/t", MqttQoS.ExactlyOnce);
        broker.Broker.Publish("t", "mine"u8, MqttQoS.ExactlyOnce).ShouldBe(1);
        var message = await first.ReadPublishAsync();
        var other = await broker.ConnectAsync("two");
        await other.SubscribeAsync("$share/g/t", MqttQoS.AtLeastOnce);
        await first.VanishAsync();
        await other.ShouldHaveNothingAsync();
        var back = await broker.ConnectAsync(Lasting("one", V500));
        (await back.ReadPublishAsync()).ShouldBe(message with { Duplicate = true });
        await back.VanishAsync();

        // Nor does it pass on when the session ends, or when the member refuses it.
        broker.Clock.Advance(TimeSpan.FromSeconds(601));
        broker.Statistics.Sessions.ShouldBe(1);
        await other.ShouldHaveNothingAsync();
        var third = await broker.ConnectAsync("three");
        broker.Broker.Publish("t", "refused"u8, MqttQoS.ExactlyOnce).ShouldBe(1);
        var refused = await other.ReadPublishAsync();
        refused.QoS.ShouldBe(MqttQoS.AtLeastOnce);
        await third.SubscribeAsync("$share/g/t", MqttQoS.ExactlyOnce);
        await other.SendAsync(new AckPacket(MqttPacketType.PubAck, refused.PacketId, MqttReasonCode.ImplementationSpecificError));
        await other.ShouldHaveNothingAsync();
        await third.ShouldHaveNothingAsync();
    }
}
