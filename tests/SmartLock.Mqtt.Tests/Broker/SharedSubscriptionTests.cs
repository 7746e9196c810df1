using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class SharedSubscriptionTests
{
    [Fact]
    public async Task Each_message_goes_to_one_member_in_turn_and_to_every_group()
    {
        await using var broker = new TestBroker();
        var members = new List<TestClient>();
        foreach (var (id, group) in new[] { ("a", "one"), ("b", "one"), ("c", "one"), ("d", "two") })
        {
            var member = await broker.ConnectAsync(id);
            await member.SubscribeAsync($"$share/{group}/work/#");
            members.Add(member);
        }

        for (var i = 0; i < 6; i++)
        {
            broker.Broker.Publish("work/x", "job"u8).ShouldBe(2);
        }

        var counts = new List<int>();
        foreach (var member in members)
        {
            counts.Add(await CountAsync(member));
        }

        counts.ShouldBe([2, 2, 2, 6]);
    }

    [Fact]
    public async Task A_connected_member_is_preferred_and_an_absent_one_takes_what_nobody_else_can()
    {
        await using var broker = new TestBroker();
        var lasting = TestBroker.Connect("away") with { CleanStart = false, Properties = new MqttProperties { SessionExpiryInterval = 60 } };
        var away = await broker.ConnectAsync(lasting);
        await away.SubscribeAsync("$share/g/work", MqttQoS.AtLeastOnce);
        await away.VanishAsync();
        var here = await broker.ConnectAsync("here");
        await here.SubscribeAsync("$share/g/work", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 4; i++)
        {
            broker.Broker.Publish("work", "job"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
            await here.TakeAsync();
        }

        await here.LeaveAsync();
        broker.Broker.Publish("work", "left"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        var back = await broker.ConnectAsync(lasting);
        (await back.TakeAsync()).Payload.ShouldBe("left");
    }

    [Fact]
    public async Task A_member_without_room_is_passed_over()
    {
        await using var broker = new TestBroker();
        var full = await broker.ConnectAsync(TestBroker.Connect("full") with { Properties = new MqttProperties { ReceiveMaximum = 1 } });
        var free = await broker.ConnectAsync("free");
        await full.SubscribeAsync("$share/g/work", MqttQoS.AtLeastOnce);
        await free.SubscribeAsync("$share/g/work", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 6; i++)
        {
            broker.Broker.Publish("work", "job"u8, MqttQoS.AtLeastOnce);
        }

        (await CountAsync(full)).ShouldBe(1);
        (await CountAsync(free)).ShouldBe(5);
    }

    [Fact]
    public async Task Unsubscribing_leaves_the_group()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SubscribeAsync("$share/g/a");
        await client.SendAsync(output => new UnsubscribePacket(5, ["$share/g/a"]).WriteTo(output, MqttProtocolVersion.V500));
        (await client.ReadAsync()).UnsubAck().ReasonCodes.ShouldBe([MqttReasonCode.Success]);
        broker.Broker.Publish("a", "x"u8).ShouldBe(0);
        broker.Statistics.Subscriptions.ShouldBe(0);
    }

    [Fact]
    public async Task The_authorizer_is_asked_about_the_filter_itself()
    {
        await using var broker = new TestBroker();
        broker.Access.ForbiddenFilters.Add("secret/#");
        var client = await broker.ConnectAsync("c");
        (await client.SubscribeAsync(0, new MqttSubscription("$share/g/secret/#"))).ShouldBe([MqttReasonCode.NotAuthorized]);
    }

    private static async Task<int> CountAsync(TestClient client)
    {
        await client.SendAsync(PingPackets.WriteRequest);
        var count = 0;
        while ((await client.ReadAsync()).Type == MqttPacketType.Publish)
        {
            count++;
        }

        return count;
    }
}
