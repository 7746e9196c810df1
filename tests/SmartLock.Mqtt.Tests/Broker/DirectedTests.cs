using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class DirectedTests
{
    [Fact]
    public async Task Only_the_addressed_of_a_thousand_sessions_gets_the_command()
    {
        await using var broker = new TestBroker();
        var clients = new TestClient[1000];
        for (var i = 0; i < clients.Length; i++)
        {
            clients[i] = await broker.ConnectAsync(TestBroker.Connect($"c{i}") with { UserName = $"device-{i}" });
            await clients[i].SubscribeAsync("smartlock/commands", MqttQoS.AtLeastOnce);
        }

        broker.Broker.PublishTo("device-500", "smartlock/commands", "UNLOCK"u8).ShouldBe(1);
        (await clients[500].TakeAsync()).Payload.ShouldBe("UNLOCK");
        foreach (var client in clients)
        {
            await client.ShouldHaveNothingAsync();
        }

        broker.Statistics.MessagesSent.ShouldBe(1);
    }

    [Fact]
    public async Task Observers_see_it_and_ordinary_wildcard_subscribers_do_not()
    {
        await using var broker = new TestBroker();
        var device = await broker.ConnectAsync(TestBroker.Connect("d"));
        var observer = await broker.ConnectAsync(TestBroker.Connect("o") with { UserName = "observer" });
        var nosy = await broker.ConnectAsync(TestBroker.Connect("n") with { UserName = "nosy" });
        await device.SubscribeAsync("commands");
        await observer.SubscribeAsync("#");
        await nosy.SubscribeAsync("#");
        broker.Broker.PublishTo("device", "commands", "x"u8).ShouldBe(2);
        (await device.ReadPublishAsync()).Payload.ShouldBe("x");
        (await observer.ReadPublishAsync()).Payload.ShouldBe("x");
        await nosy.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_session_that_is_not_subscribed_gets_nothing()
    {
        await using var broker = new TestBroker();
        var device = await broker.ConnectAsync("d");
        await device.SubscribeAsync("other");
        broker.Broker.PublishTo("device", "commands", "x"u8).ShouldBe(0);
        broker.Broker.PublishTo("nobody", "commands", "x"u8).ShouldBe(0);
        await device.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task It_waits_for_a_session_whose_client_is_away()
    {
        await using var broker = new TestBroker();
        var lasting = TestBroker.Connect("d") with { CleanStart = false, Properties = new MqttProperties { SessionExpiryInterval = 60 } };
        var first = await broker.ConnectAsync(lasting);
        await first.SubscribeAsync("commands", MqttQoS.AtLeastOnce);
        await first.VanishAsync();
        broker.Broker.PublishTo("device", "commands", "x"u8).ShouldBe(1);
        (await (await broker.ConnectAsync(lasting)).TakeAsync()).Payload.ShouldBe("x");
    }

    [Fact]
    public async Task Ending_a_login_cuts_its_connections_and_no_other()
    {
        await using var broker = new TestBroker();
        var one = await broker.ConnectAsync("one");
        var two = await broker.ConnectAsync("two");
        var other = await broker.ConnectAsync(TestBroker.Connect("one") with { UserName = "other" });
        await one.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        broker.Broker.IsConnected("device").ShouldBeTrue();
        var ended = broker.Broker.DisconnectAsync("device", MqttReasonCode.NotAuthorized);
        (await one.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.NotAuthorized);
        (await two.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.NotAuthorized);
        (await ended.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe(2);
        await other.ShouldHaveNothingAsync();
        broker.Broker.IsConnected("device").ShouldBeFalse();
        (broker.Statistics.Sessions, broker.Statistics.Subscriptions).ShouldBe((1, 0));
    }

    [Fact]
    public async Task A_login_under_way_when_it_is_ended_is_asked_again()
    {
        await using var broker = new TestBroker();
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource<MqttAuthentication>();
        var calls = 0;
        broker.Access.Authenticate = (_, _) =>
        {
            asked.TrySetResult();
            return Interlocked.Increment(ref calls) == 1
                ? new ValueTask<MqttAuthentication>(answer.Task)
                : ValueTask.FromResult(MqttAuthentication.Refuse(MqttReasonCode.NotAuthorized));
        };
        var connecting = broker.Open().ConnectAsync(TestBroker.Connect("c"));
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await broker.Broker.DisconnectAsync("device");
        answer.SetResult(MqttAuthentication.Accept(new MqttIdentity("device")));
        (await connecting).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        calls.ShouldBe(2);
    }
}
