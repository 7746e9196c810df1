using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Client;

public sealed class KeepAliveTests
{
    private readonly FakeClock _clock = new();
    private readonly ScriptedBroker _broker = new();

    [Fact]
    public async Task An_idle_client_pings_and_a_silent_broker_is_given_up()
    {
        await using var client = Create(60);
        var ending = new Ending(client);
        var peer = await _broker.ConnectAsync(client);
        for (var i = 0; i < 3; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(i == 0 ? 45 : 15));
            await peer.ExpectAsync(MqttPacketType.PingReq);
            await peer.SendAsync(PingPackets.WriteResponse);
            await peer.BarrierAsync();
            _clock.Advance(TimeSpan.FromSeconds(30));
        }

        _clock.Advance(TimeSpan.FromSeconds(15));
        await peer.ExpectAsync(MqttPacketType.PingReq);
        _clock.Advance(TimeSpan.FromSeconds(29.9));
        client.IsConnected.ShouldBeTrue();
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        (await ending.Task).Cause.ShouldBe(MqttDisconnectCause.KeepAliveTimeout);
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task Traffic_in_both_directions_postpones_the_ping()
    {
        await using var client = Create(60);
        var peer = await _broker.ConnectAsync(client);
        for (var i = 0; i < 3; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(40));
            var publishing = client.PublishAsync("a", default, MqttQoS.AtLeastOnce).AsTask();
            await peer.AckAsync(MqttPacketType.PubAck, (await peer.ExpectPublishAsync()).Id);
            (await ScriptedBroker.InTime(publishing)).IsDelivered.ShouldBeTrue();
        }

        _clock.Advance(TimeSpan.FromSeconds(45));
        await peer.ExpectAsync(MqttPacketType.PingReq);
        client.Abort();
    }

    [Fact]
    public async Task A_client_that_only_sends_pings_too_and_gives_up_a_silent_broker()
    {
        await using var client = Create(60);
        var ending = new Ending(client);
        var peer = await _broker.ConnectAsync(client);
        for (var i = 0; i < 5; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(14));
            await client.PublishAsync("a", default);
            (await peer.NextAsync())!.Type.ShouldBe(i == 3 ? MqttPacketType.PingReq : MqttPacketType.Publish);
        }

        _clock.Advance(TimeSpan.FromSeconds(5));
        (await ending.Task).Cause.ShouldBe(MqttDisconnectCause.KeepAliveTimeout);
    }

    [Fact]
    public async Task The_brokers_interval_overrides_the_clients()
    {
        await using var client = Create(60);
        var peer = await _broker.ConnectAsync(client, new MqttProperties { ServerKeepAlive = 20 });
        _clock.Advance(TimeSpan.FromSeconds(15));
        await peer.ExpectAsync(MqttPacketType.PingReq);
        client.Abort();
    }

    [Fact]
    public async Task Without_an_interval_there_is_no_timer()
    {
        await using var client = Create(0);
        await _broker.ConnectAsync(client);
        _clock.PendingTimers.ShouldBe(0);
        client.Abort();
    }

    private MqttClient Create(int seconds)
    {
        return new MqttClient(_broker.Options with { KeepAlive = TimeSpan.FromSeconds(seconds) }, time: _clock);
    }
}
