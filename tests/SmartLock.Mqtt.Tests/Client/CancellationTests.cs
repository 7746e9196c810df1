using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Client;

public sealed class CancellationTests : IDisposable
{
    private readonly ScriptedBroker _broker = new();
    private readonly CancellationTokenSource _cancel = new();

    public void Dispose() => _cancel.Dispose();

    [Fact]
    public async Task While_the_connection_is_opened()
    {
        var entered = new TaskCompletionSource();
        var options = _broker.Options with
        {
            Connector = async ct =>
            {
                entered.SetResult();
                await new TaskCompletionSource().Task.WaitAsync(ct);
                throw new InvalidOperationException("Not reached.");
            },
        };
        await using var client = new MqttClient(options);
        var connecting = client.ConnectAsync(_cancel.Token);
        await entered.Task;
        await ExpectCancelledAsync(connecting);
    }

    [Fact]
    public async Task While_connack_is_awaited()
    {
        await using var client = new MqttClient(_broker.Options);
        var connecting = client.ConnectAsync(_cancel.Token);
        var peer = await _broker.AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        await ExpectCancelledAsync(connecting);
        await peer.ExpectEndAsync();
        client.IsConnected.ShouldBeFalse();
    }

    [Fact]
    public async Task An_abort_ends_an_attempt_too()
    {
        await using var client = new MqttClient(_broker.Options);
        var connecting = client.ConnectAsync();
        var peer = await _broker.AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        client.Abort();
        await Should.ThrowAsync<OperationCanceledException>(ScriptedBroker.InTime(connecting));
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task While_a_place_in_the_queue_is_awaited()
    {
        await using var client = new MqttClient(_broker.Options with { MaxPending = 1 });
        _ = client.PublishAsync("a", default, MqttQoS.AtLeastOnce).AsTask();
        await ExpectCancelledAsync(client.PublishAsync("b", default, MqttQoS.AtLeastOnce, cancellationToken: _cancel.Token).AsTask());
        var peer = await _broker.ConnectAsync(client);
        (await peer.ExpectPublishAsync()).Topic.ShouldBe("a");
        client.Abort();
    }

    [Fact]
    public async Task A_queued_message_is_withdrawn_and_its_place_is_free()
    {
        await using var client = new MqttClient(_broker.Options with { MaxPending = 1 });
        await ExpectCancelledAsync(client.PublishAsync("a", default, MqttQoS.AtLeastOnce, cancellationToken: _cancel.Token).AsTask());
        _ = client.PublishAsync("b", default, MqttQoS.AtLeastOnce).AsTask();
        var peer = await _broker.ConnectAsync(client);
        (await peer.ExpectPublishAsync()).Topic.ShouldBe("b");
        client.Abort();
    }

    [Fact]
    public async Task A_message_under_way_ends_its_exchange_without_its_publisher()
    {
        await using var client = new MqttClient(_broker.Options with { MaxPending = 1 });
        var peer = await _broker.ConnectAsync(client);
        var publishing = client.PublishAsync("a", default, MqttQoS.ExactlyOnce, cancellationToken: _cancel.Token).AsTask();
        var publish = await peer.ExpectPublishAsync();
        await ExpectCancelledAsync(publishing);
        var next = client.PublishAsync("b", default, MqttQoS.AtLeastOnce).AsTask();
        await peer.AckAsync(MqttPacketType.PubRec, publish.Id);
        await peer.ExpectAckAsync(MqttPacketType.PubRel);
        await peer.AckAsync(MqttPacketType.PubComp, publish.Id);
        await peer.AckAsync(MqttPacketType.PubAck, (await peer.ExpectPublishAsync()).Id);
        (await ScriptedBroker.InTime(next)).IsDelivered.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task While_suback_is_awaited()
    {
        await using var client = new MqttClient(_broker.Options);
        var peer = await _broker.ConnectAsync(client);
        var subscribing = client.SubscribeAsync("a", cancellationToken: _cancel.Token);
        var subscribe = (await peer.ExpectAsync(MqttPacketType.Subscribe)).AsSubscribe();
        await ExpectCancelledAsync(subscribing);

        // The late answer is still one to a question that was asked.
        await peer.SendAsync(o => new SubAckPacket(subscribe.PacketId, [MqttReasonCode.Success]).WriteTo(o, _broker.Version));
        var unsubscribing = client.UnsubscribeAsync(["a"]);
        var unsubscribe = (await peer.ExpectAsync(MqttPacketType.Unsubscribe)).AsUnsubscribe();
        await peer.SendAsync(o => new UnsubAckPacket(unsubscribe.PacketId, [MqttReasonCode.Success]).WriteTo(o, _broker.Version));
        (await ScriptedBroker.InTime(unsubscribing)).ShouldBe([MqttReasonCode.Success]);
        client.Abort();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_request_that_is_not_answered_in_time_ends_the_connection(bool subscribe)
    {
        var clock = new FakeClock();
        await using var client = new MqttClient(_broker.Options with { ConnectTimeout = TimeSpan.FromSeconds(7) }, time: clock);
        var ending = new Ending(client);
        var peer = await _broker.ConnectAsync(client);
        Task asking = subscribe ? client.SubscribeAsync("a") : client.UnsubscribeAsync(["a"]);
        await peer.ExpectAsync(subscribe ? MqttPacketType.Subscribe : MqttPacketType.Unsubscribe);
        clock.Advance(TimeSpan.FromSeconds(6.9));
        asking.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromSeconds(0.1));
        await Should.ThrowAsync<MqttNotConnectedException>(ScriptedBroker.InTime(asking));
        (await ending.Task).Exception.ShouldBeOfType<TimeoutException>();
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task While_a_started_client_is_not_connected_yet()
    {
        await using var client = new MqttClient(_broker.Options);
        await client.StartAsync();
        await ExpectCancelledAsync(client.SubscribeAsync("a", cancellationToken: _cancel.Token));
        await Should.ThrowAsync<OperationCanceledException>(client.WaitUntilConnectedAsync(_cancel.Token));
        var waiting = client.WaitUntilConnectedAsync();
        client.Abort();
        await Should.ThrowAsync<MqttNotConnectedException>(ScriptedBroker.InTime(waiting));
    }

    [Fact]
    public async Task While_the_network_does_not_take_a_message()
    {
        await using var client = new MqttClient(_broker.Options);
        await _broker.ConnectAsync(client);

        // More than the pipe takes without a reader.
        var stuck = client.PublishAsync("a", new byte[500_000]).AsTask();
        var behind = client.PublishAsync("b", new byte[500_000], cancellationToken: _cancel.Token).AsTask();
        var crowded = client.PublishAsync("c", new byte[1], cancellationToken: _cancel.Token).AsTask();
        await ExpectCancelledAsync(behind);
        await Should.ThrowAsync<OperationCanceledException>(ScriptedBroker.InTime(crowded));
        stuck.IsCompleted.ShouldBeFalse();
        client.Abort();
        (await ScriptedBroker.InTime(stuck)).Outcome.ShouldBe(MqttPublishOutcome.NotConnected);
    }

    [Fact]
    public async Task A_disconnect_that_the_network_does_not_take()
    {
        await using var client = new MqttClient(_broker.Options);
        var ending = new Ending(client);
        await _broker.ConnectAsync(client);
        _ = client.PublishAsync("a", new byte[500_000]).AsTask();
        var leaving = client.DisconnectAsync(cancellationToken: _cancel.Token);
        await ExpectCancelledAsync(leaving);
        (await ending.Task).Cause.ShouldBe(MqttDisconnectCause.Requested);
    }

    private async Task ExpectCancelledAsync(Task task)
    {
        task.IsCompleted.ShouldBeFalse();
        await _cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(ScriptedBroker.InTime(task));
    }
}
