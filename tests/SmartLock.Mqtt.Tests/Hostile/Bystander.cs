using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>A client that keeps to the rules while others do not: what it is sent arrives, all of it, in order.</summary>
internal sealed class Bystander
{
    private const string Topic = "bystander/inbox";

    private readonly TestBroker _broker;
    private readonly TestClient _client;
    private int _sent;

    private Bystander(TestBroker broker, TestClient client)
    {
        _broker = broker;
        _client = client;
    }

    public static async Task<Bystander> JoinAsync(TestBroker broker, MqttQoS qos = MqttQoS.AtLeastOnce)
    {
        var client = await broker.ConnectAsync(TestBroker.Connect("bystander") with { UserName = "bystander" });
        await client.SubscribeAsync(Topic, qos);
        return new Bystander(broker, client);
    }

    /// <summary>One message is published to it, and it has it.</summary>
    public async Task ShouldBeServedAsync()
    {
        var text = $"message {++_sent}";
        _broker.Broker.Publish(Topic, System.Text.Encoding.UTF8.GetBytes(text), MqttQoS.AtLeastOnce).ShouldBeGreaterThan(0);
        (await _client.TakeAsync()).Payload.ShouldBe(text);
    }

    /// <summary>Nothing came that was not its own, and it is still connected.</summary>
    public Task ShouldHaveNothingAsync() => _client.ShouldHaveNothingAsync();

    /// <summary>A message of its own gets through as well.</summary>
    public async Task ShouldBeReceivedAsync(TestClient by)
    {
        await _client.PublishAsync("bystander/says", "here", MqttQoS.AtLeastOnce);
        (await _client.ReadAsync()).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.Success);
        (await by.ReadPublishAsync()).Payload.ShouldBe("here");
    }
}
