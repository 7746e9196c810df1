using System.IO.Pipelines;
using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Client;

public sealed class ReconnectTests
{
    // Task.Delay counts whole milliseconds, so that a timer may be due a little before its delay has passed.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);

    [Theory]
    [InlineData(1, 0.0, 0.5)]
    [InlineData(1, 1.0, 1)]
    [InlineData(2, 1.0, 2)]
    [InlineData(3, 0.5, 3)]
    [InlineData(6, 1.0, 32)]
    [InlineData(7, 1.0, 60)]
    [InlineData(7, 0.0, 30)]
    [InlineData(1_000_000, 1.0, 60)]
    public void The_delay_doubles_to_its_cap_and_half_of_it_is_random(int attempt, double random, double seconds)
    {
        ReconnectDelay.Of(new MqttClientOptions(), attempt, random).ShouldBe(TimeSpan.FromSeconds(seconds));
    }

    [Fact]
    public async Task Failing_attempts_come_at_growing_intervals_up_to_the_cap()
    {
        var clock = new FakeClock();
        var failures = new List<MqttConnectFailedEventArgs>();
        var options = new MqttClientOptions
        {
            Connector = _ => throw new IOException("no route"),
            ReconnectMinimum = TimeSpan.FromSeconds(1),
            ReconnectMaximum = TimeSpan.FromSeconds(10),
        };
        await using var client = new MqttClient(options, time: clock);
        client.ConnectFailed += (_, e) => failures.Add(e);
        await client.StartAsync();
        var seen = 0;
        foreach (var step in new[] { 1, 2, 4, 8, 10, 10, 10 })
        {
            // An attempt has a timer too, its timeout; the delay's is the one that follows the report of a failure.
            await UntilAsync(() => failures.Count > seen && clock.PendingTimers == 1);
            seen = failures.Count;
            var delay = failures[^1].RetryAfter;
            delay.ShouldBeInRange(TimeSpan.FromSeconds(step / 2.0), TimeSpan.FromSeconds(step));
            failures[^1].Exception.InnerException.ShouldBeOfType<IOException>();
            clock.Advance(delay - Tick);
            clock.PendingTimers.ShouldBe(1);
            failures.Count.ShouldBe(seen);
            clock.Advance(Tick);
        }

        // Jitter: seven equal draws do not happen.
        failures.Skip(4).Select(f => f.RetryAfter).Distinct().Count().ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_connection_that_held_resets_the_backoff_and_one_that_did_not_does_not()
    {
        var clock = new FakeClock();
        var broker = new ScriptedBroker();
        var options = broker.Options with { ReconnectMinimum = TimeSpan.FromSeconds(1), ReconnectMaximum = TimeSpan.FromSeconds(100) };
        await using var client = new MqttClient(options, time: clock);
        await client.StartAsync();
        foreach (var step in new[] { 1, 2, 4, 8 })
        {
            var peer = await broker.WelcomeAsync();
            await ScriptedBroker.InTime(client.WaitUntilConnectedAsync());
            peer.Abort();
            await DelayBegunAsync(clock);
            clock.Advance(TimeSpan.FromSeconds(step / 2.0) - Tick);
            clock.PendingTimers.ShouldBe(1);
            clock.Advance(TimeSpan.FromSeconds(step / 2.0) + Tick);
        }

        var lasting = await broker.WelcomeAsync();
        await ScriptedBroker.InTime(client.WaitUntilConnectedAsync());
        clock.Advance(TimeSpan.FromSeconds(100));
        lasting.Abort();
        await DelayBegunAsync(clock);
        clock.Advance(TimeSpan.FromSeconds(1));
        await broker.WelcomeAsync();
        client.Abort();
    }

    [Fact]
    public async Task An_abort_during_the_delay_ends_the_attempts()
    {
        var clock = new FakeClock();
        var broker = new ScriptedBroker();
        var options = broker.Options with { ReconnectMinimum = TimeSpan.FromSeconds(1), ReconnectMaximum = TimeSpan.FromSeconds(1) };
        await using var client = new MqttClient(options, time: clock);
        await client.StartAsync();
        var peer = await broker.WelcomeAsync();
        await ScriptedBroker.InTime(client.WaitUntilConnectedAsync());
        peer.Abort();
        await DelayBegunAsync(clock);
        client.Abort();
        await UntilAsync(() => clock.PendingTimers == 0);
        clock.Advance(TimeSpan.FromHours(1));
        broker.Attempts.ShouldBe(1);
    }

    [Fact]
    public async Task A_subscription_asked_for_while_the_link_fails_is_asked_again()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        await client.StartAsync();
        var subscribing = client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        var peer = await broker.WelcomeAsync();
        await peer.ExpectAsync(MqttPacketType.Subscribe);
        peer.Abort();
        peer = await broker.WelcomeAsync();

        // Asked again by the call; in a race also renewed on connecting, so there may be two.
        var next = peer.NextAsync();
        while (await Task.WhenAny(subscribing, next) == next)
        {
            var subscribe = (await next).ShouldNotBeNull().AsSubscribe();
            subscribe.Subscriptions[0].Filter.ShouldBe("a");
            await peer.SendAsync(o => new SubAckPacket(subscribe.PacketId, [MqttReasonCode.GrantedQoS1]).WriteTo(o, broker.Version));
            next = peer.NextAsync();
        }

        (await subscribing).ShouldBe(MqttReasonCode.GrantedQoS1);
        client.Abort();
    }

    [Fact]
    public async Task Run_lasts_until_it_is_cancelled_and_then_says_goodbye()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        using var stop = new CancellationTokenSource();
        var running = client.RunAsync(stop.Token);
        var peer = await broker.WelcomeAsync();
        await ScriptedBroker.InTime(client.WaitUntilConnectedAsync());
        await stop.CancelAsync();
        (await peer.FarewellAsync()).ShouldBe(MqttReasonCode.Success);
        await ScriptedBroker.InTime(running);
    }

    [Fact]
    public async Task A_transport_that_fails_to_let_go_does_not_end_the_attempts()
    {
        var broker = new ScriptedBroker();
        var inner = broker.Options.Connector!;
        var options = broker.Options with { Connector = async ct => new Stubborn(await inner(ct)) };
        await using var client = new MqttClient(options);
        await client.StartAsync();
        for (var i = 0; i < 3; i++)
        {
            var peer = await broker.WelcomeAsync();
            await ScriptedBroker.InTime(client.WaitUntilConnectedAsync());
            peer.Abort();

            // Also one that is let go before it was ever used.
            var refused = await broker.AcceptAsync();
            await refused.ExpectAsync(MqttPacketType.Connect);
            refused.Abort();
        }

        await broker.WelcomeAsync();
        await ScriptedBroker.InTime(client.WaitUntilConnectedAsync());
        client.Abort();
    }

    private static Task DelayBegunAsync(FakeClock clock) => UntilAsync(() => clock.PendingTimers == 1);

    /// <summary>The loop's own steps are not observable as a task: yields until the state is reached.</summary>
    private static async Task UntilAsync(Func<bool> condition)
    {
        using var guard = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (!condition())
        {
            guard.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class Stubborn(MqttConnection inner) : MqttConnection
    {
        public override PipeReader Input => inner.Input;

        public override PipeWriter Output => inner.Output;

        public override void EndOutput() => inner.EndOutput();

        public override void Abort() => inner.Abort();

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            throw new InvalidOperationException("of the test");
        }
    }
}
