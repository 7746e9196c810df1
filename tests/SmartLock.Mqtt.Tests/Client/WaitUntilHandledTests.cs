using System.Collections.Concurrent;
using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Client;

public sealed class WaitUntilHandledTests
{
    private readonly ScriptedBroker _broker = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _gates = new();
    private readonly ConcurrentQueue<string> _begun = new();

    [Fact]
    public async Task It_ends_at_once_when_nothing_has_come()
    {
        await using var client = new MqttClient(_broker.Options, HandleAsync);
        client.WaitUntilHandledAsync().IsCompletedSuccessfully.ShouldBeTrue("before it was ever connected");
        var peer = await _broker.ConnectAsync(client);
        await peer.BarrierAsync();

        client.WaitUntilHandledAsync().IsCompletedSuccessfully.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task It_ends_after_the_handlers_of_all_that_has_come_and_their_acknowledgements()
    {
        await using var client = new MqttClient(_broker.Options, HandleAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("first", MqttQoS.AtLeastOnce, 1);
        await peer.PublishAsync("second", MqttQoS.AtMostOnce);
        await peer.PublishAsync("third", MqttQoS.ExactlyOnce, 2);
        await peer.BarrierAsync();
        var handled = client.WaitUntilHandledAsync();

        Gate("first").SetResult();
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).PacketId.ShouldBe((ushort)1);
        handled.IsCompleted.ShouldBeFalse("two more have come");
        Gate("second").SetResult();
        await BegunAsync("third");
        handled.IsCompleted.ShouldBeFalse("the last one is still with its handler");
        Gate("third").SetResult();

        await ScriptedBroker.InTime(handled);
        (await peer.ExpectAckAsync(MqttPacketType.PubRec)).PacketId.ShouldBe((ushort)2);
        client.WaitUntilHandledAsync().IsCompletedSuccessfully.ShouldBeTrue("nothing has come since");
        client.Abort();
    }

    [Fact]
    public async Task A_handler_that_fails_has_ended_too()
    {
        await using var client = new MqttClient(_broker.Options, HandleAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("bad", MqttQoS.AtLeastOnce, 1);
        await peer.BarrierAsync();
        var handled = client.WaitUntilHandledAsync();

        Gate("bad").SetException(new InvalidOperationException("of the test"));

        await ScriptedBroker.InTime(handled);
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).ReasonCode.ShouldBe(MqttReasonCode.ImplementationSpecificError);
        client.Abort();
    }

    [Fact]
    public async Task It_does_not_wait_for_acknowledgements_that_are_the_users_own()
    {
        var inbox = new Inbox();
        await using var client = new MqttClient(_broker.Options with { AcknowledgeManually = true }, inbox.OnMessageAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("t", MqttQoS.AtLeastOnce, 1);
        await peer.BarrierAsync();

        await ScriptedBroker.InTime(client.WaitUntilHandledAsync());

        await peer.BarrierAsync();
        await (await inbox.NextAsync()).AckAsync();
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).PacketId.ShouldBe((ushort)1);
        client.Abort();
    }

    [Fact]
    public async Task What_a_lost_connection_had_brought_is_still_waited_for()
    {
        await using var client = new MqttClient(_broker.Options, HandleAsync);
        var ending = new Ending(client);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("first", MqttQoS.AtLeastOnce, 1);
        await peer.PublishAsync("second", MqttQoS.AtLeastOnce, 2);
        await peer.BarrierAsync();
        var handled = client.WaitUntilHandledAsync();
        peer.Abort();
        await ending.Task;

        Gate("first").SetResult();
        await BegunAsync("second");
        handled.IsCompleted.ShouldBeFalse();
        Gate("second").SetResult();

        await ScriptedBroker.InTime(handled);
    }

    [Fact]
    public async Task What_an_abort_has_forgotten_is_not_waited_for()
    {
        await using var client = new MqttClient(_broker.Options, HandleAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("first", MqttQoS.AtLeastOnce, 1);
        await peer.PublishAsync("second", MqttQoS.AtLeastOnce, 2);
        await peer.BarrierAsync();
        await BegunAsync("first");
        var handled = client.WaitUntilHandledAsync();

        client.Abort();
        handled.IsCompleted.ShouldBeFalse("one is still with its handler");
        Gate("first").SetResult();

        await ScriptedBroker.InTime(handled);
        _begun.ShouldBe(["first"]);
    }

    [Fact]
    public async Task It_ends_with_the_client_once_the_handler_at_work_has_returned()
    {
        var client = new MqttClient(_broker.Options, HandleAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("first", MqttQoS.AtMostOnce);
        await peer.PublishAsync("second", MqttQoS.AtMostOnce);
        await peer.BarrierAsync();
        await BegunAsync("first");
        var handled = client.WaitUntilHandledAsync();

        var disposing = client.DisposeAsync();
        await peer.FarewellAsync();
        await ScriptedBroker.InTime(disposing.AsTask());

        // The handler's token has ended its wait; nothing more is handed over.
        await ScriptedBroker.InTime(handled);
        _begun.ShouldBe(["first"]);
    }

    [Fact]
    public async Task Cancelling_ends_the_wait_and_nothing_else()
    {
        using var cancel = new CancellationTokenSource();
        await using var client = new MqttClient(_broker.Options, HandleAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("t", MqttQoS.AtLeastOnce, 1);
        await peer.BarrierAsync();
        var hasty = client.WaitUntilHandledAsync(cancel.Token);
        var patient = client.WaitUntilHandledAsync();

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(ScriptedBroker.InTime(hasty));
        patient.IsCompleted.ShouldBeFalse();
        Gate("t").SetResult();
        await ScriptedBroker.InTime(patient);
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).ReasonCode.ShouldBe(MqttReasonCode.Success);
        client.Abort();
    }

    [Fact]
    public async Task Between_unsubscribing_and_disconnecting_it_loses_nothing()
    {
        await using var client = new MqttClient(_broker.Options, HandleAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("first", MqttQoS.AtLeastOnce, 1);
        var leaving = LeaveAsync(client);
        var unsubscribe = (await peer.ExpectAsync(MqttPacketType.Unsubscribe)).AsUnsubscribe();
        await peer.PublishAsync("second", MqttQoS.AtLeastOnce, 2);
        await peer.SendAsync(o => new UnsubAckPacket(unsubscribe.PacketId, [MqttReasonCode.Success]).WriteTo(o, _broker.Version));
        await peer.BarrierAsync();
        Gate("first").SetResult();
        Gate("second").SetResult();

        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).PacketId.ShouldBe((ushort)1);
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).PacketId.ShouldBe((ushort)2);
        (await peer.FarewellAsync()).ShouldBe(MqttReasonCode.Success);
        await ScriptedBroker.InTime(leaving);
    }

    private static async Task LeaveAsync(MqttClient client)
    {
        await client.UnsubscribeAsync(["#"]);
        await client.WaitUntilHandledAsync();
        await client.DisconnectAsync();
    }

    /// <summary>Each message is held until its gate is opened.</summary>
    private async ValueTask HandleAsync(MqttReceivedMessage message, CancellationToken ct)
    {
        _begun.Enqueue(message.Topic);
        await Gate(message.Topic).Task.WaitAsync(ct);
    }

    private TaskCompletionSource Gate(string topic) =>
        _gates.GetOrAdd(topic, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private Task BegunAsync(string topic) => SmartLock.Testing.Eventually.TrueAsync(() => _begun.Contains(topic), $"{topic} is with its handler");
}
