using System.IO.Pipelines;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>A clean start ends the session it finds; what is left of the old connection must not touch the new one.</summary>
public sealed class TakeOverTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(60u)]
    public async Task A_clean_start_keeps_its_session_whatever_the_old_connection_still_does(uint expiry)
    {
        await using var broker = new TestBroker();
        var properties = new MqttProperties { SessionExpiryInterval = expiry };
        for (var i = 0; i < 5; i++)
        {
            // Inline: the old connection lets go within the call that takes it over.
            var client = broker.Open(PipeScheduler.Inline);
            await client.ConnectAsync(TestBroker.Connect("c") with { Properties = properties });
            await client.SubscribeAsync("t");
            broker.Broker.IsConnected("device").ShouldBeTrue();
            broker.Broker.PublishTo("device", "t", "x"u8).ShouldBe(1);
            broker.Statistics.Sessions.ShouldBe(1);
            broker.Statistics.Subscriptions.ShouldBe(1);
        }

        // One keep-alive; no end of a session that is gone already.
        broker.Broker.Core.Deadlines.Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_will_of_an_ended_session_does_not_wait_for_its_delay()
    {
        await using var broker = new TestBroker();
        var wills = 0;
        broker.Broker.Subscribe("will", (in InboundMessage _) => wills++);
        var connect = TestBroker.Connect("c") with { Properties = new MqttProperties { SessionExpiryInterval = 60 } };
        var will = new MqttWill("will", "x"u8.ToArray()) { Properties = new MqttProperties { WillDelayInterval = 30 } };
        await broker.Open(PipeScheduler.Inline).ConnectAsync(connect with { Will = will });
        await broker.Open(PipeScheduler.Inline).ConnectAsync(connect);
        wills.ShouldBe(1);
        broker.Clock.Advance(TimeSpan.FromSeconds(59));
        wills.ShouldBe(1);
    }

    [Fact]
    public async Task Clean_starts_at_the_same_time_leave_one_session_that_is_found()
    {
        await using var broker = new TestBroker();
        await Parallel.ForEachAsync(Enumerable.Range(0, 4), async (identity, _) =>
        {
            var name = $"device{identity}";
            for (var round = 0; round < 50; round++)
            {
                var scheduler = round % 2 == 0 ? PipeScheduler.Inline : PipeScheduler.ThreadPool;
                var all = Enumerable.Range(0, 3).Select(_ => broker.Open(scheduler)).ToArray();
                await Task.WhenAll(all.Select(c => c.ConnectAsync(TestBroker.Connect("c") with { UserName = name })));
                await Task.WhenAny(Task.WhenAll(all.Select(c => c.Served)), TwoServedAsync(all)).WaitAsync(TimeSpan.FromSeconds(20), _);
                var left = all.Single(c => !c.Served.IsCompleted);
                await left.SubscribeAsync("t");
                broker.Broker.IsConnected(name).ShouldBeTrue();
                broker.Broker.PublishTo(name, "t", "x"u8).ShouldBe(1);
            }
        });
        broker.Statistics.Sessions.ShouldBe(4);
    }

    private static async Task TwoServedAsync(TestClient[] all)
    {
        var served = all.Select(c => c.Served).ToList();
        for (var i = 0; i < 2; i++)
        {
            served.Remove(await Task.WhenAny(served));
        }
    }
}
