using System.Net.Sockets;
using System.Text;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Tests.Broker;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>What a client with a login may do to the broker: to itself at most.</summary>
public sealed class WithLoginTests
{
    private static readonly MqttProperties Lasting = new() { SessionExpiryInterval = 3600 };

    [Theory]
    [InlineData(MqttQoS.AtLeastOnce)]
    [InlineData(MqttQoS.ExactlyOnce)]
    public async Task A_subscriber_that_reads_and_never_acknowledges_holds_a_bounded_number_of_bytes(MqttQoS qos)
    {
        const int Payload = 10_000;
        await using var broker = new TestBroker(o => o.MaxQueuedBytes = 100_000);
        var bystander = await Bystander.JoinAsync(broker);
        var mute = await broker.ConnectAsync("mute");
        await mute.SubscribeAsync("a", qos);
        var payload = new byte[Payload];
        for (var i = 0; i < 300; i++)
        {
            broker.Broker.Publish("a", payload, qos);
            if (i < 10)
            {
                (await mute.ReadPublishAsync()).Payload.Length.ShouldBe(Payload);
            }
        }

        // A window of bytes under way, a queue of as many, and no more.
        await mute.ShouldHaveNothingAsync();
        broker.Statistics.HeldBytes.ShouldBeLessThan(2 * 100_000 + (2 * Payload));
        broker.Statistics.Dropped[MqttDropReason.QueueFull].ShouldBe(300 - 10 - 9);
        await bystander.ShouldBeServedAsync();

        await mute.VanishAsync();
        broker.Statistics.HeldBytes.ShouldBe(0);
    }

    [Fact]
    public async Task Acknowledgements_give_the_bytes_back_and_let_the_queue_through()
    {
        await using var broker = new TestBroker(o => o.MaxQueuedBytes = 10_000);
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 6; i++)
        {
            broker.Broker.Publish("a", Encoding.UTF8.GetBytes($"{i}{new string('x', 3000)}"), MqttQoS.AtLeastOnce).ShouldBe(1);
        }

        for (var i = 0; i < 6; i++)
        {
            (await client.TakeAsync()).Payload[0].ShouldBe((char)('0' + i));
        }

        await client.ShouldHaveNothingAsync();
        broker.Statistics.HeldBytes.ShouldBe(0);
    }

    [Fact]
    public async Task Sessions_that_hold_as_much_as_all_may_get_no_more_and_who_keeps_up_does()
    {
        const int Most = 200_000;
        await using var broker = new TestBroker(o => o.MaxHeldBytes = Most);
        var bystander = await Bystander.JoinAsync(broker);
        for (var i = 0; i < 20; i++)
        {
            var name = $"away-{i}";
            var client = await broker.ConnectAsync(TestBroker.Connect(name) with { Properties = Lasting });
            await client.SubscribeAsync(name, MqttQoS.AtLeastOnce);
            await client.VanishAsync();
        }

        var payload = new byte[1000];
        for (var i = 0; i < 2000; i++)
        {
            broker.Broker.Publish($"away-{i % 20}", payload, MqttQoS.AtLeastOnce);
            if (i % 100 == 0)
            {
                await bystander.ShouldBeServedAsync();
            }
        }

        broker.Statistics.HeldBytes.ShouldBeInRange(Most, Most + (20 * 6_000));
        broker.Statistics.Dropped[MqttDropReason.QueueFull].ShouldBeGreaterThan(1500);
        await bystander.ShouldBeServedAsync();
    }

    [Fact]
    public async Task A_message_that_many_hold_counts_once()
    {
        await using var broker = new TestBroker();
        for (var i = 0; i < 50; i++)
        {
            var client = await broker.ConnectAsync($"c{i}");
            await client.SubscribeAsync("all", MqttQoS.AtLeastOnce);
        }

        broker.Broker.Publish("all", new byte[1000], MqttQoS.AtLeastOnce).ShouldBe(50);
        broker.Statistics.HeldBytes.ShouldBeInRange(1000, 1200);
    }

    [Fact]
    public async Task Readers_that_stand_still_hold_a_bounded_number_of_bytes_each()
    {
        const int Each = 64 * 1024;
        await using var broker = new TestBroker(o => o.MaxOutboundBytes = Each);
        var bystander = await Bystander.JoinAsync(broker);
        for (var i = 0; i < 20; i++)
        {
            var still = await broker.ConnectAsync($"still-{i}");
            await still.SubscribeAsync("flood/#");
        }

        var payload = new byte[1000];
        for (var i = 0; i < 500; i++)
        {
            broker.Broker.Publish("flood/a", payload);
            if (i % 50 == 0)
            {
                await bystander.ShouldBeServedAsync();
            }
        }

        broker.Broker.Core.Connections.OutboundBytes.ShouldBeLessThanOrEqualTo((20 * Each) + 1024);
        broker.Statistics.Dropped[MqttDropReason.SlowReader].ShouldBeGreaterThan(20 * 300);
        await bystander.ShouldBeServedAsync();
    }

    [Fact]
    public async Task Half_open_connections_end_with_their_keep_alive()
    {
        await using var broker = new TestBroker();
        for (var i = 0; i < 100; i++)
        {
            var half = await broker.ConnectAsync(TestBroker.Connect($"half-{i}") with { KeepAlive = 10 });
            // The beginning of a packet counts for nothing, however often a byte of it comes.
            await half.SendAsync(0x30, 0x7F);
        }

        var bystander = await Bystander.JoinAsync(broker);
        broker.Clock.Advance(TimeSpan.FromSeconds(15));
        await Signals.Until(() => broker.Statistics is { Connections: 1, Sessions: 1 });
        await bystander.ShouldBeServedAsync();
    }

    [Theory]
    [InlineData(SocketError.TimedOut)]
    [InlineData(SocketError.HostUnreachable)]
    public async Task A_peer_that_the_system_gives_up_is_no_error_of_the_broker(SocketError error)
    {
        await using var broker = new TestBroker();
        var wills = 0;
        using var watch = broker.Broker.Subscribe("wills", (in InboundMessage _) => wills++);
        var client = await broker.ConnectAsync(TestBroker.Connect("c") with { Will = new MqttWill("wills", default) });
        await client.VanishAsync(new SocketException((int)error));
        wills.ShouldBe(1);
        broker.Log.Lines.ShouldBeEmpty();
    }

    [Fact]
    public async Task Deep_filters_are_refused_one_by_one_and_deep_trees_as_a_whole()
    {
        await using var broker = new TestBroker(o => (o.MaxTopicLevels, o.MaxSubscriptionLevels) = (32, 100));
        var client = await broker.ConnectAsync("c");
        (await client.SubscribeAsync(0, new MqttSubscription(string.Join('/', Enumerable.Repeat("+", 33))))).ShouldBe([MqttReasonCode.TopicFilterInvalid]);
        var granted = 0;
        for (var i = 0; i < 10; i++)
        {
            var filter = $"{i}/" + string.Join('/', Enumerable.Repeat("+", 31));
            granted += (await client.SubscribeAsync(0, new MqttSubscription(filter)))[0] == MqttReasonCode.Success ? 1 : 0;
        }

        granted.ShouldBe(3);
        broker.Statistics.Subscriptions.ShouldBe(3);
        // What it gives up it may use again.
        await client.SubscribeAsync("short");
    }

    [Fact]
    public async Task Long_filters_and_share_names_are_bounded_in_bytes()
    {
        await using var broker = new TestBroker(o => o.MaxSubscriptionBytes = 2000);
        var client = await broker.ConnectAsync("c");
        var asked = new[] { new string('a', 900), new string('b', 900), new string('c', 900), $"$share/{new string('g', 900)}/x", "small" };
        var codes = await client.SubscribeAsync(0, [.. asked.Select(f => new MqttSubscription(f))]);
        codes.ShouldBe(
        [
            MqttReasonCode.Success, MqttReasonCode.Success, MqttReasonCode.QuotaExceeded, MqttReasonCode.QuotaExceeded, MqttReasonCode.Success,
        ]);
    }

    [Fact]
    public async Task A_subscribe_that_names_one_filter_a_thousand_times_is_given_what_is_retained_a_bounded_number_of_times()
    {
        await using var broker = new TestBroker();
        broker.Broker.Publish("kept", "x"u8, retain: true);
        var client = await broker.ConnectAsync("c");
        var codes = await client.SubscribeAsync(0, [.. Enumerable.Repeat(new MqttSubscription("kept"), 1000)]);
        codes.Count(c => c == MqttReasonCode.Success).ShouldBe(128);
        codes.Count(c => c == MqttReasonCode.QuotaExceeded).ShouldBe(872);
        for (var i = 0; i < 128; i++)
        {
            (await client.ReadPublishAsync()).Retain.ShouldBeTrue();
        }

        await client.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task Topics_of_aliases_are_bounded_in_bytes()
    {
        await using var broker = new TestBroker();
        var bystander = await Bystander.JoinAsync(broker);
        var client = await broker.ConnectAsync("c");
        var topic = new string('t', 5000);
        for (ushort alias = 1; alias <= 3; alias++)
        {
            await client.PublishAsync(topic, "x", properties: new MqttProperties { TopicAlias = alias });
            // Setting it anew takes the place of what it stood for.
            await client.PublishAsync(topic + "/", "x", properties: new MqttProperties { TopicAlias = alias });
        }

        await client.ShouldHaveNothingAsync();
        await client.PublishAsync(topic, "x", properties: new MqttProperties { TopicAlias = 4 });
        (await client.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.QuotaExceeded);
        await bystander.ShouldBeServedAsync();
    }

    [Fact]
    public async Task The_broker_sets_no_alias_for_topics_beyond_the_bound()
    {
        await using var broker = new TestBroker(o => o.MaxTopicAliasBytes = 20);
        var client = await broker.ConnectAsync(TestBroker.Connect("s") with { Properties = new MqttProperties { TopicAliasMaximum = 10 } });
        await client.SubscribeAsync("#");
        foreach (var topic in new[] { "twelve/bytes", "twelve/bytes", "ten/bytes!", "ten/bytes!", "seven/7" })
        {
            broker.Broker.Publish(topic, "x"u8);
        }

        var got = new List<(string, ushort?)>();
        for (var i = 0; i < 5; i++)
        {
            var message = await client.ReadPublishAsync();
            got.Add((message.Topic, message.Properties?.TopicAlias));
        }

        got.ShouldBe([("twelve/bytes", (ushort)1), ("", (ushort)1), ("ten/bytes!", null), ("ten/bytes!", null), ("seven/7", (ushort)2)]);
    }

    [Fact]
    public async Task Deep_retained_topics_count_with_what_their_levels_take()
    {
        await using var broker = new TestBroker(o => o.MaxRetainedBytes = 100_000);
        var client = await broker.ConnectAsync("c");
        var deep = "/" + string.Join('/', Enumerable.Repeat("l", 30));
        for (var i = 0; i < 100; i++)
        {
            await client.PublishAsync($"{i}{deep}", "x", retain: true);
        }

        await client.ShouldHaveNothingAsync();
        broker.Statistics.RetainedMessages.ShouldBeInRange(10, 13);
        broker.Statistics.Dropped[MqttDropReason.NotRetained].ShouldBe(100 - broker.Statistics.RetainedMessages);
    }

    [Fact]
    public async Task A_full_store_of_retained_messages_takes_new_ones_once_old_ones_expire()
    {
        await using var broker = new TestBroker(o => o.MaxRetainedMessages = 2);
        broker.Broker.Publish("a", "x"u8, retain: true, properties: new MqttProperties { MessageExpiryInterval = 10 });
        broker.Broker.Publish("b", "x"u8, retain: true, properties: new MqttProperties { MessageExpiryInterval = 20 });
        broker.Broker.Publish("c", "x"u8, retain: true);
        broker.Statistics.Dropped[MqttDropReason.NotRetained].ShouldBe(1);
        broker.Clock.Advance(TimeSpan.FromSeconds(11));
        broker.Broker.Publish("d", "x"u8, retain: true);
        broker.Broker.Publish("e", "x"u8, retain: true);
        broker.Clock.Advance(TimeSpan.FromSeconds(11));
        broker.Broker.Publish("f", "x"u8, retain: true);
        (broker.Statistics.RetainedMessages, broker.Statistics.Dropped[MqttDropReason.NotRetained]).ShouldBe((2, 2));
    }

    [Fact]
    public async Task A_hundred_filters_that_match_one_message_bring_it_once_and_with_all_identifiers()
    {
        await using var broker = new TestBroker();
        var bystander = await Bystander.JoinAsync(broker);
        var storm = await broker.ConnectAsync("storm");
        // Every choice of level or + for six levels reaches this topic.
        var filters = Enumerable.Range(0, 64)
            .Select(bits => string.Join('/', Enumerable.Range(0, 6).Select(level => (bits >> level & 1) == 0 ? "l" : "+")))
            .ToList();
        for (var i = 0; i < filters.Count; i++)
        {
            await storm.SubscribeAsync(filters[i], MqttQoS.AtLeastOnce, identifier: (uint)i + 1);
        }

        for (var i = 0; i < 20; i++)
        {
            broker.Broker.Publish("l/l/l/l/l/l", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
            var message = await storm.TakeAsync();
            message.Properties!.SubscriptionIdentifiers.ShouldBe(Enumerable.Range(1, 64).Select(n => (uint)n));
            await bystander.ShouldBeServedAsync();
        }

        await storm.ShouldHaveNothingAsync();
        broker.Statistics.MessagesSent.ShouldBe(40);
    }

    [Fact]
    public async Task A_handler_that_publishes_within_a_storm_reaches_everybody_once()
    {
        await using var broker = new TestBroker();
        var storm = await broker.ConnectAsync("storm");
        await storm.SubscribeAsync(0, new("#"), new("+"), new("+/#"), new("out"), new MqttSubscription("in"));
        using var echo = broker.Broker.Subscribe("in", (in InboundMessage m) => broker.Broker.Publish("out", m.Payload));
        broker.Broker.Publish("in", "x"u8).ShouldBe(2);
        var topics = new[] { (await storm.ReadPublishAsync()).Topic, (await storm.ReadPublishAsync()).Topic };
        topics.ShouldBe(["in", "out"], ignoreOrder: true);
        await storm.ShouldHaveNothingAsync();
    }
}
