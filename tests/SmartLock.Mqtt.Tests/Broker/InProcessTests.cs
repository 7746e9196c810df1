using System.Text;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class InProcessTests
{
    [Fact]
    public async Task A_handler_sees_who_published_what()
    {
        await using var broker = new TestBroker();
        var seen = new List<string>();
        using var subscription = broker.Broker.Subscribe("status/+", (in InboundMessage m) =>
            seen.Add($"{Encoding.UTF8.GetString(m.Topic)} {Encoding.UTF8.GetString(m.Payload)} {m.QoS} {m.Retain} {m.Publisher} {m.PublisherClientId}"));
        var client = await broker.ConnectAsync("client-7");
        await client.PublishAsync("status/7", "up", MqttQoS.AtLeastOnce);
        (await client.ReadAsync()).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.Success);
        broker.Broker.Publish("status/8", "down"u8).ShouldBe(1);
        seen.ShouldBe(["status/7 up AtLeastOnce False device client-7", "status/8 down AtMostOnce False  "]);
    }

    [Fact]
    public async Task A_disposed_subscription_is_silent()
    {
        await using var broker = new TestBroker();
        var calls = 0;
        var subscription = broker.Broker.Subscribe("#", (in InboundMessage _) => calls++);
        broker.Broker.Publish("a", default).ShouldBe(1);
        subscription.Dispose();
        broker.Broker.Publish("a", default).ShouldBe(0);
        calls.ShouldBe(1);
        broker.Statistics.Subscriptions.ShouldBe(0);
    }

    [Fact]
    public async Task A_handler_that_throws_hurts_neither_the_publisher_nor_other_subscribers()
    {
        await using var broker = new TestBroker();
        var calls = 0;
        using var bad = broker.Broker.Subscribe("a", (in InboundMessage _) => throw new InvalidOperationException("on purpose"));
        using var good = broker.Broker.Subscribe("a", (in InboundMessage _) => calls++);
        var client = await broker.ConnectAsync("c");
        await client.PublishAsync("a", "x");
        await client.ShouldHaveNothingAsync();
        calls.ShouldBe(1);
        broker.Statistics.HandlerErrors.ShouldBe(1);
    }

    [Fact]
    public async Task A_handler_that_publishes_to_itself_is_stopped()
    {
        await using var broker = new TestBroker();
        using var loop = broker.Broker.Subscribe("a", (in InboundMessage _) => broker.Broker.Publish("a", default));
        broker.Broker.Publish("a", default);
        broker.Statistics.HandlerErrors.ShouldBe(1);
    }

    [Theory]
    [InlineData("a/#/b")]
    [InlineData("")]
    [InlineData("$share/g/a")]
    public async Task A_filter_that_is_not_valid_is_refused(string filter)
    {
        await using var broker = new TestBroker();
        Should.Throw<ArgumentException>(() => broker.Broker.Subscribe(filter, (in InboundMessage _) => { }));
    }

    [Fact]
    public async Task A_topic_that_is_not_valid_is_refused()
    {
        await using var broker = new TestBroker();
        Should.Throw<ArgumentException>(() => broker.Broker.Publish("a/+", default));
        Should.Throw<ArgumentException>(() => broker.Broker.PublishTo("someone", "", default));
    }
}
