using System.Text;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Persistence;

/// <summary>What became of sessions, wills and retained messages while nobody was there to count the time.</summary>
public sealed class DowntimeTests
{
    [Theory]
    [InlineData(39, true)]
    [InlineData(40, false)]
    public async Task A_session_ends_when_its_time_is_over_whether_the_broker_runs_or_not(int downtime, bool isKept)
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var client = await brokers.Now.ConnectAsync(Restarts.Lasting("c", seconds: 60));
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await client.LeaveAsync();
        brokers.Clock.Advance(TimeSpan.FromSeconds(20));
        await brokers.RestartAsync(TimeSpan.FromSeconds(downtime));
        (brokers.Now.Statistics.Sessions, brokers.Now.Statistics.Subscriptions).ShouldBe(isKept ? (1, 1) : (0, 0));
        brokers.Clock.Advance(TimeSpan.FromSeconds(1));
        brokers.Now.Statistics.Sessions.ShouldBe(0);

        await brokers.RestartAsync();
        (await StoredAsync(brokers)).ShouldBe(0);
    }

    [Theory]
    [InlineData(599, true)]
    [InlineData(661, false)]
    public async Task After_a_crash_the_time_counts_from_the_last_sign_of_life(int downtime, bool isKept)
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        await brokers.Now.ConnectAsync(Restarts.Lasting("c", seconds: 600));

        // Longer than the session would last without its client.
        brokers.Clock.Advance(TimeSpan.FromHours(1));
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        await brokers.RestartAsync(TimeSpan.FromSeconds(downtime), kill: true);
        brokers.Now.Statistics.Sessions.ShouldBe(isKept ? 1 : 0);
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();

        // Another crash does not begin the count anew.
        await brokers.RestartAsync(TimeSpan.FromSeconds(62), kill: true);
        brokers.Now.Statistics.Sessions.ShouldBe(0);
    }

    [Fact]
    public async Task A_session_of_a_login_that_is_gone_is_dropped_and_a_right_that_is_gone_is_gone()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        await (await brokers.Now.ConnectAsync(Restarts.Lasting("a") with { UserName = "former" })).SubscribeAsync("t", MqttQoS.AtLeastOnce);
        var other = await brokers.Now.ConnectAsync(Restarts.Lasting("b"));
        await other.SubscribeAsync("t", MqttQoS.AtLeastOnce);
        await other.SubscribeAsync("secret", MqttQoS.AtLeastOnce);
        brokers.Access.Gone.Add("former");
        brokers.Access.ForbiddenFilters.Add("secret");

        await brokers.RestartAsync();
        brokers.Now.Broker.Publish("t", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        brokers.Now.Broker.Publish("secret", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(0);

        // And it stays so.
        brokers.Access.Gone.Clear();
        brokers.Access.ForbiddenFilters.Clear();
        await brokers.RestartAsync();
        (brokers.Now.Statistics.Sessions, brokers.Now.Statistics.Subscriptions).ShouldBe((1, 1));
    }

    [Fact]
    public async Task A_login_that_was_ended_has_no_session_after_a_restart()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        await brokers.Now.ConnectAsync(Restarts.Lasting("c"));
        (await brokers.Now.Broker.DisconnectAsync("device")).ShouldBe(1);
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        (await StoredAsync(brokers)).ShouldBe(0);
    }

    [Fact]
    public async Task An_observer_sees_what_is_directed_to_others_after_a_restart_too()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var observer = Restarts.Lasting("o") with { UserName = "observer" };
        await (await brokers.Now.ConnectAsync(observer)).SubscribeAsync("commands", MqttQoS.AtLeastOnce);
        await brokers.RestartAsync();
        brokers.Now.Broker.PublishTo("device", "commands", "x"u8).ShouldBe(1);
        (await (await brokers.ReturnAsync(observer)).TakeAsync()).Payload.ShouldBe("x");
    }

    [Theory]
    [InlineData(60, false)]
    [InlineData(60, true)]
    [InlineData(700, false)]
    public async Task A_will_whose_time_came_is_published_at_the_start_once(int downtime, bool kill)
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        await (await brokers.Now.ConnectAsync(Restarts.Lasting("heir", seconds: 3600))).SubscribeAsync("wills", MqttQoS.AtLeastOnce);
        await (await brokers.Now.ConnectAsync(WithWill(delay: 30))).VanishAsync();
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        await brokers.RestartAsync(TimeSpan.FromSeconds(downtime), kill);
        brokers.Now.Statistics.Sessions.ShouldBe(downtime == 60 ? 2 : 1);
        var wills = Watch(brokers);
        brokers.Now.Broker.PublishOverdueWills();
        wills.ShouldBe(["gone"]);
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();

        await brokers.RestartAsync(kill: kill);
        wills = Watch(brokers);
        brokers.Now.Broker.PublishOverdueWills();
        brokers.Clock.Advance(TimeSpan.FromSeconds(1000));
        wills.ShouldBeEmpty();
        var heir = await brokers.ReturnAsync(Restarts.Lasting("heir", seconds: 3600));
        var will = await heir.TakeAsync();
        (will.Payload, will.Properties!.ContentType).ShouldBe(("gone", "text/plain"));
        await heir.ShouldHaveNothingAsync();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(30u)]
    public async Task The_will_of_a_client_that_was_connected_at_a_crash_is_published_when_it_does_not_come_back(uint delay)
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        await brokers.Now.ConnectAsync(WithWill(delay));
        var polite = await brokers.Now.ConnectAsync(WithWill(delay) with { ClientId = "polite" });
        await polite.LeaveAsync();
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        await brokers.RestartAsync(TimeSpan.FromSeconds(200), kill: true);
        var wills = Watch(brokers);
        brokers.Now.Broker.PublishOverdueWills();
        wills.ShouldBe(["gone"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_will_that_is_still_to_come_waits_on_and_its_client_may_cancel_it(bool returns)
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        await (await brokers.Now.ConnectAsync(WithWill(delay: 100))).VanishAsync();
        await brokers.RestartAsync(TimeSpan.FromSeconds(60));
        var wills = Watch(brokers);
        brokers.Now.Broker.PublishOverdueWills();
        brokers.Clock.Advance(TimeSpan.FromSeconds(39));
        wills.ShouldBeEmpty();
        if (returns)
        {
            await brokers.ReturnAsync(WithWill(delay: 100));
        }

        brokers.Clock.Advance(TimeSpan.FromSeconds(1));
        wills.Count.ShouldBe(returns ? 0 : 1);
    }

    [Fact]
    public async Task Retained_messages_are_there_as_they_were_last()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var publisher = await brokers.Now.ConnectAsync("p");
        foreach (var (topic, payload) in new[] { ("r/kept", "old"), ("r/gone", "x"), ("r/kept", "new"), ("r/gone", "") })
        {
            await publisher.PublishAsync(topic, payload, MqttQoS.AtLeastOnce, retain: true, new MqttProperties { ContentType = "text" });
            (await publisher.ReadAsync()).Ack(MqttPacketType.PubAck);
        }

        brokers.Now.Broker.Publish("r/short", "x"u8, retain: true, properties: new MqttProperties { MessageExpiryInterval = 10 });
        brokers.Now.Broker.Publish("r/long", "x"u8, retain: true, properties: new MqttProperties { MessageExpiryInterval = 100 });
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        await brokers.RestartAsync(TimeSpan.FromSeconds(40), kill: true);
        brokers.Now.Statistics.RetainedMessages.ShouldBe(2);
        var subscriber = await brokers.Now.ConnectAsync("s");
        await subscriber.SubscribeAsync("r/#", MqttQoS.ExactlyOnce);
        var found = new[] { await subscriber.ReadPublishAsync(), await subscriber.ReadPublishAsync() }.OrderBy(m => m.Topic).ToArray();
        found.Select(m => (m.Topic, m.Payload, m.QoS, m.Retain)).ShouldBe(
            [("r/kept", "new", MqttQoS.AtLeastOnce, true), ("r/long", "x", MqttQoS.AtMostOnce, true)]);
        found[0].Properties!.ContentType.ShouldBe("text");
        found[1].Properties!.MessageExpiryInterval.ShouldBe(60u);

        brokers.Configure = o => o.MaxRetainedMessages = 1;
        await brokers.RestartAsync();
        brokers.Configure = null;
        await brokers.RestartAsync();
        brokers.Now.Statistics.RetainedMessages.ShouldBe(1);
    }

    private static ConnectPacket WithWill(uint? delay) => Restarts.Lasting("mortal") with
    {
        Will = new MqttWill("wills", "gone"u8.ToArray())
        {
            QoS = MqttQoS.AtLeastOnce,
            Properties = new MqttProperties { WillDelayInterval = delay, ContentType = "text/plain" },
        },
    };

    private static List<string> Watch(Restarts brokers)
    {
        var wills = new List<string>();
        brokers.Now.Broker.Subscribe("wills", (in InboundMessage m) => wills.Add(Encoding.UTF8.GetString(m.Payload)));
        return wills;
    }

    private static async Task<int> StoredAsync(Restarts brokers)
    {
        var count = 0;
        await brokers.Store.LoadAsync(_ => count++, CancellationToken.None);
        return count;
    }
}
