namespace SmartLock.Mqtt.Tests.Broker;

public sealed class TopicAliasTests
{
    [Fact]
    public async Task An_alias_stands_for_its_topic_until_it_is_set_anew()
    {
        await using var broker = new TestBroker();
        var publisher = broker.Open();
        (await publisher.ConnectAsync(TestBroker.Connect("p"))).Properties!.TopicAliasMaximum.ShouldBe((ushort)16);
        var subscriber = await broker.ConnectAsync("s");
        await subscriber.SubscribeAsync("#");
        var alias = new MqttProperties { TopicAlias = 16 };
        await publisher.PublishAsync("first", "1", properties: alias);
        await publisher.PublishAsync("", "2", properties: alias);
        await publisher.PublishAsync("second", "3", properties: alias);
        await publisher.PublishAsync("", "4", properties: alias);
        foreach (var expected in new[] { "first 1", "first 2", "second 3", "second 4" })
        {
            var message = await subscriber.ReadPublishAsync();
            $"{message.Topic} {message.Payload}".ShouldBe(expected);
        }
    }

    [Fact]
    public async Task The_broker_uses_as_many_aliases_as_the_client_allows()
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync(TestBroker.Connect("s") with { Properties = new MqttProperties { TopicAliasMaximum = 1 } });
        await subscriber.SubscribeAsync("#", MqttQoS.AtLeastOnce);
        foreach (var topic in new[] { "long/topic/1", "long/topic/2", "long/topic/1", "ab" })
        {
            broker.Broker.Publish(topic, "x"u8, MqttQoS.AtLeastOnce);
        }

        var got = new List<(string, ushort?)>();
        for (var i = 0; i < 4; i++)
        {
            var packet = await subscriber.ReadAsync();
            var publish = packet.Publish();
            got.Add((publish.Topic, publish.Properties?.TopicAlias));
        }

        got.ShouldBe([("long/topic/1", (ushort)1), ("long/topic/2", null), ("", (ushort)1), ("ab", null)]);
    }

    [Theory]
    [InlineData("a", 17, MqttReasonCode.TopicAliasInvalid)]
    [InlineData("", 3, MqttReasonCode.ProtocolError)]
    public async Task Misuse_ends_the_connection(string topic, ushort alias, MqttReasonCode expected)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.PublishAsync(topic, "x", properties: new MqttProperties { TopicAlias = alias });
        (await client.ReadDisconnectAsync()).ShouldBe(expected);
    }

    [Fact]
    public async Task Aliases_of_one_connection_mean_nothing_to_the_next()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync("c");
        await first.PublishAsync("a", "x", properties: new MqttProperties { TopicAlias = 1 });
        await first.LeaveAsync();
        var second = await broker.ConnectAsync("c");
        await second.PublishAsync("", "x", properties: new MqttProperties { TopicAlias = 1 });
        (await second.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.ProtocolError);
    }
}
