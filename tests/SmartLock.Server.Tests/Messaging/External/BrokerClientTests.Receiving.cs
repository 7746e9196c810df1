using SmartLock.Mqtt;
using SmartLock.Server.Messaging;
using SmartLock.Server.Messaging.External;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging.External;

/// <summary>Handlers that are slow or fail, and an orderly stop.</summary>
public sealed partial class BrokerClientTests
{
    [Fact]
    public async Task A_slow_handler_costs_messages_of_qos_0_instead_of_memory()
    {
        const int Flood = BrokerClientLimits.ReceiveQueueLimit + 20_000;
        await using var broker = await StartBrokerAsync();
        await using var listener = await ListenAsync(Options(broker.Port), SharedStatuses);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        listener.Handling = _ => gate.Task;
        await Eventually.TrueAsync(() => listener.Granted == 1, "the subscription is granted");

        await using var sender = await ConnectAsync(broker);
        for (var i = 0; i < Flood; i++)
        {
            (await sender.PublishAsync("smartlock/status", "flood", MqttQoS.AtMostOnce)).IsFailure().ShouldBeFalse();
        }

        await SendAsync(sender, "smartlock/status", "at least once");

        // The broker's acknowledgement follows the flood on the same connection: all of that has arrived by then.
        (await PublishAsync(listener.Client, Events, "fence")).ShouldBe(PublishResult.Delivered);
        gate.SetResult();
        await Eventually.TrueAsync(() => listener.Received.Any(m => m.Payload == "at least once"), "the message of QoS 1 is received");
        listener.Count.ShouldBeInRange(1_000, Flood - 1);
        listener.Losses.ShouldBe(0);
    }

    [Fact]
    public async Task A_failing_handler_does_not_stop_later_messages()
    {
        await using var broker = await StartBrokerAsync();
        await using var listener = await ListenAsync(Options(broker.Port), Statuses);
        listener.Handling = payload => payload == "bad" ? throw new InvalidOperationException(payload) : Task.CompletedTask;
        await Eventually.TrueAsync(() => listener.Granted == 1, "the subscription is granted");

        await using var sender = await ConnectAsync(broker);
        await SendAsync(sender, "smartlock/status", "bad");
        await SendAsync(sender, "smartlock/status", "good");

        await Eventually.TrueAsync(() => listener.Count == 1, "the good one is received");
        listener.Losses.ShouldBe(0);
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_stop_handles_and_acknowledges_what_has_come(int version)
    {
        const int All = 15;
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        await using var listener = await ListenAsync(Options(cable.Port, version), Statuses);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handling = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        listener.Handling = _ =>
        {
            handling.TrySetResult();
            return gate.Task;
        };
        await Eventually.TrueAsync(() => listener.Granted == 1, "the subscription is granted");

        // Fewer than mosquitto sends unacknowledged, so all are on the client's side when its answer comes.
        await using var sender = await ConnectAsync(broker);
        await SendAllAsync(sender, All);
        await handling.Task.WaitAsync(Patience);
        (await PublishAsync(listener.Client, Events, "fence")).ShouldBe(PublishResult.Delivered);
        cable.Sent(PubAck).ShouldBe(0, "nothing is acknowledged that is not handled");

        var stopping = listener.Client.StopAsync(CancellationToken.None);
        gate.SetResult();
        await stopping.WaitAsync(Patience);

        listener.Count.ShouldBe(All);
        await Eventually.TrueAsync(() => cable.Sent(Disconnect) == 1, "the last packet has passed the cable");
        cable.Sent(PubAck).ShouldBe(All);
        (listener.Losses, listener.RequestedEnds).ShouldBe((0, 1), listener.Causes);
        listener.Client.IsConnected.ShouldBeFalse();
        (await PublishAsync(listener.Client, Events, "late")).ShouldBe(PublishResult.NotSent);
        (await listener.Client.SubscribeAsync(new BrokerSubscription(Events, (_, _) => ValueTask.CompletedTask), default)).Outcome.ShouldBe(SubscribeOutcome.NotConnected);
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task Messages_that_the_unsuback_has_overtaken_are_still_offered(int version)
    {
        const int All = 15;
        await using var broker = await StartBrokerAsync();
        using var connection = new BrokerConnection(1, new MqttNetOptions(Options(broker.Port, version)), TimeProvider.System);
        using var gate = new ManualResetEventSlim();
        var offered = 0;
        (await connection.OpenAsync(isFirst: true, OfferWhenOpen, default)).ShouldBeNull();
        (await connection.SubscribeAsync(Statuses, default)).Outcome.ShouldBe(SubscribeOutcome.Granted);
        await using var sender = await ConnectAsync(broker);
        await SendAllAsync(sender, All);

        (await connection.UnsubscribeAsync([Statuses], default)).ShouldBeTrue();
        var offering = connection.AllOfferedAsync(default);

        offering.IsCompleted.ShouldBeFalse();
        gate.Set();
        await offering.WaitAsync(Patience);
        Volatile.Read(ref offered).ShouldBe(All);

        bool OfferWhenOpen(BrokerConnection from, MQTTnet.MqttApplicationMessageReceivedEventArgs received)
        {
            gate.Wait(Patience);
            Interlocked.Increment(ref offered);
            return true;
        }
    }
}
