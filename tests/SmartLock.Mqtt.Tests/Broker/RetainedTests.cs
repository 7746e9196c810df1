using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class RetainedTests
{
    [Fact]
    public async Task A_new_subscriber_is_sent_what_is_retained_and_a_standing_one_sees_no_flag()
    {
        await using var broker = new TestBroker();
        var standing = await broker.ConnectAsync("standing");
        await standing.SubscribeAsync("a/#");
        broker.Broker.Publish("a/b", "kept"u8, MqttQoS.AtLeastOnce, retain: true);
        (await standing.ReadPublishAsync()).Retain.ShouldBeFalse();

        var late = await broker.ConnectAsync("late");
        await late.SubscribeAsync("a/+", MqttQoS.AtLeastOnce);
        var message = await late.TakeAsync();
        (message.Topic, message.Payload, message.Retain, message.QoS).ShouldBe(("a/b", "kept", true, MqttQoS.AtLeastOnce));
    }

    [Fact]
    public async Task Retain_as_published_keeps_the_flag()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync(0, new MqttSubscription("a", RetainAsPublished: true));
        broker.Broker.Publish("a", "1"u8, retain: true);
        broker.Broker.Publish("a", "2"u8);
        (await client.ReadPublishAsync()).Retain.ShouldBeTrue();
        (await client.ReadPublishAsync()).Retain.ShouldBeFalse();
    }

    [Fact]
    public async Task Retain_handling_says_when_it_is_sent()
    {
        await using var broker = new TestBroker();
        broker.Broker.Publish("a", "kept"u8, retain: true);
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync(0, new MqttSubscription("a", RetainHandling: MqttRetainHandling.DoNotSend));
        await client.ShouldHaveNothingAsync();
        await client.SubscribeAsync(0, new MqttSubscription("a", RetainHandling: MqttRetainHandling.SendAtSubscribeIfNew));
        await client.ShouldHaveNothingAsync();
        await client.SubscribeAsync(0, new MqttSubscription("a"));
        (await client.ReadPublishAsync()).Payload.ShouldBe("kept");
        await client.SubscribeAsync(0, new MqttSubscription("#", RetainHandling: MqttRetainHandling.SendAtSubscribeIfNew));
        (await client.ReadPublishAsync()).Payload.ShouldBe("kept");
    }

    [Fact]
    public async Task What_an_identity_publishes_that_never_retains_is_not_retained_whatever_its_flag_says()
    {
        await using var broker = new TestBroker();
        broker.Access.Authenticate = (request, _) => ValueTask.FromResult(
            MqttAuthentication.Accept(new MqttIdentity(request.ClientId) { NeverRetains = request.ClientId == "never" }));
        var asked = new List<bool>();
        broker.Access.BeforeRetain = asked.Add;
        var watcher = await broker.ConnectAsync("watcher");
        await watcher.SubscribeAsync(0, new MqttSubscription("#", RetainAsPublished: true));
        var other = await broker.ConnectAsync("other");
        await other.PublishAsync("kept", "1", retain: true);
        (await watcher.ReadPublishAsync()).Retain.ShouldBeTrue();
        var never = await broker.ConnectAsync(TestBroker.Connect("never") with { Will = new MqttWill("will", "gone"u8.ToArray()) { Retain = true } });

        await never.PublishAsync("a", "2", retain: true);
        await never.PublishAsync("kept", "", retain: true);
        await never.VanishAsync();

        foreach (var (topic, payload) in new[] { ("a", "2"), ("kept", ""), ("will", "gone") })
        {
            var seen = await watcher.ReadPublishAsync();
            (seen.Topic, seen.Payload, seen.Retain).ShouldBe((topic, payload, false));
        }

        broker.Statistics.RetainedMessages.ShouldBe(1, "the other's, which an empty payload did not take away");
        asked.ShouldBe([true, false, false, false, false], "the authorizer is asked about what will be done");
    }

    [Fact]
    public async Task An_empty_payload_takes_it_away()
    {
        await using var broker = new TestBroker();
        broker.Broker.Publish("a", "kept"u8, retain: true);
        broker.Broker.Publish("a", default, retain: true);
        broker.Statistics.RetainedMessages.ShouldBe(0);
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("#");
        await client.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task It_expires()
    {
        await using var broker = new TestBroker();
        broker.Broker.Publish("a", "x"u8, retain: true, properties: new MqttProperties { MessageExpiryInterval = 10 });
        broker.Clock.Advance(TimeSpan.FromSeconds(4));
        var early = await broker.ConnectAsync("early");
        await early.SubscribeAsync("a");
        (await early.ReadPublishAsync()).Properties!.MessageExpiryInterval.ShouldBe(6u);
        broker.Clock.Advance(TimeSpan.FromSeconds(6));
        var late = await broker.ConnectAsync("late");
        await late.SubscribeAsync("a");
        await late.ShouldHaveNothingAsync();
        broker.Statistics.RetainedMessages.ShouldBe(0);
    }

    [Fact]
    public async Task Shared_subscriptions_are_sent_none()
    {
        await using var broker = new TestBroker();
        broker.Broker.Publish("a", "kept"u8, retain: true);
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("$share/g/a");
        await client.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task Number_and_bytes_are_bounded_and_the_refused_message_is_still_delivered()
    {
        await using var broker = new TestBroker(o => (o.MaxRetainedMessages, o.MaxRetainedBytes) = (2, 1024));
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("#");
        broker.Broker.Publish("a", "1"u8, retain: true);
        broker.Broker.Publish("b", "2"u8, retain: true);
        broker.Broker.Publish("c", "3"u8, retain: true).ShouldBe(1);
        broker.Statistics.RetainedMessages.ShouldBe(2);
        broker.Broker.Publish("b", new byte[2000], retain: true).ShouldBe(1);
        // What it would have replaced is out of date, so it is gone too.
        broker.Statistics.RetainedMessages.ShouldBe(1);
        broker.Statistics.Dropped[MqttDropReason.NotRetained].ShouldBe(2);
    }

    [Fact]
    public async Task Expired_ones_make_room()
    {
        await using var broker = new TestBroker(o => o.MaxRetainedMessages = 1);
        broker.Broker.Publish("a", "1"u8, retain: true, properties: new MqttProperties { MessageExpiryInterval = 1 });
        broker.Clock.Advance(TimeSpan.FromSeconds(1));
        broker.Broker.Publish("b", "2"u8, retain: true);
        broker.Statistics.Dropped[MqttDropReason.NotRetained].ShouldBe(0);
    }

    [Theory]
    [InlineData("#", "a a/b a/b/c x/b")]
    [InlineData("a/#", "a a/b a/b/c")]
    [InlineData("+/b", "a/b x/b")]
    [InlineData("+", "a")]
    [InlineData("a/b", "a/b")]
    [InlineData("$sys/#", "$sys/a")]
    [InlineData("none", "")]
    public async Task A_filter_finds_what_it_matches(string filter, string expected)
    {
        await using var broker = new TestBroker();
        foreach (var topic in new[] { "a", "a/b", "a/b/c", "x/b", "$sys/a" })
        {
            broker.Broker.Publish(topic, "x"u8, retain: true);
        }

        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync(filter);
        var topics = new List<string>();
        await client.SendAsync(PingPackets.WriteRequest);
        for (var next = await client.ReadAsync(); next.Type == MqttPacketType.Publish; next = await client.ReadAsync())
        {
            topics.Add(next.Publish().Topic);
        }

        topics.Order(StringComparer.Ordinal).ShouldBe(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }
}
