using System.Globalization;
using System.Text;
using MQTTnet;
using MQTTnet.Protocol;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>Messages between the broker and MQTTnet, the client library of the server and the virtual device.</summary>
public sealed class MqttNetMessageTests(InteropBroker broker) : IClassFixture<InteropBroker>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _topic = $"tür/{Guid.NewGuid():N}";

    public static TheoryData<MqttProtocolVersion> Versions { get; } = [MqttProtocolVersion.V311, MqttProtocolVersion.V500];

    public static MatrixTheoryData<MqttProtocolVersion, string> VersionsAndTransports { get; } =
        new([MqttProtocolVersion.V311, MqttProtocolVersion.V500], ["tcp", "tls", "ws", "wss"]);

    [Theory]
    [MemberData(nameof(VersionsAndTransports))]
    public async Task Messages_of_every_qos_arrive_over_every_transport(MqttProtocolVersion version, string transport)
    {
        using var subscriber = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, version, transport));
        using var publisher = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, version, transport));
        await subscriber.SubscribeAsync($"{_topic}/+", MqttQoS.ExactlyOnce);
        // The last spans several TLS records and WebSocket frames, and its length takes three bytes.
        foreach (var payload in new[] { "öffnen", "", new string('x', 100_000) })
        {
            foreach (var qos in Enum.GetValues<MqttQoS>())
            {
                await publisher.PublishAsync($"{_topic}/b", payload, qos);
                (await subscriber.NextTextAsync()).ShouldBe(($"{_topic}/b", payload, qos));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_thousand_messages_of_one_client_arrive_in_order(MqttProtocolVersion version)
    {
        const int Count = 1000;
        using var client = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, version));
        await client.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
        for (var i = 0; i < Count; i++)
        {
            await client.PublishAsync(_topic, $"{i}", MqttQoS.AtLeastOnce);
        }

        for (var i = 0; i < Count; i++)
        {
            (await client.NextTextAsync()).ShouldBe((_topic, $"{i}", MqttQoS.AtLeastOnce));
        }
    }

    [Fact]
    public async Task A_burst_from_many_clients_arrives_complete_and_in_the_order_of_each_client()
    {
        const int Clients = 20;
        const int Each = 500;
        var next = new int[Clients];
        var outOfOrder = 0;
        var left = Clients * Each;
        var done = new TaskCompletionSource();
        using var subscription = broker.Broker.Subscribe($"{_topic}/+", (in InboundMessage message) =>
        {
            var publisher = int.Parse(Encoding.UTF8.GetString(message.Topic).Split('/')[^1], CultureInfo.InvariantCulture);
            var number = int.Parse(message.Payload, CultureInfo.InvariantCulture);
            outOfOrder += number == next[publisher]++ ? 0 : 1;
            if (Interlocked.Decrement(ref left) == 0)
            {
                done.SetResult();
            }
        });
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async n =>
        {
            using var client = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, MqttProtocolVersion.V500));
            for (var i = 0; i < Each; i++)
            {
                await client.PublishAsync($"{_topic}/{n}", $"{i}", MqttQoS.AtLeastOnce);
            }

            await client.LeaveAsync();
        })).WaitAsync(Patience);
        await done.Task.WaitAsync(Patience);
        outOfOrder.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_retained_message_is_sent_to_later_subscribers_until_an_empty_one_removes_it(MqttProtocolVersion version)
    {
        using var publisher = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, version));
        await publisher.PublishAsync(_topic, "kept", MqttQoS.AtLeastOnce, retain: true);
        using var subscriber = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, version));
        await subscriber.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
        var kept = await subscriber.NextAsync();
        (kept.ConvertPayloadToString(), kept.Retain).ShouldBe(("kept", true));

        await publisher.PublishAsync(_topic, "", MqttQoS.AtLeastOnce, retain: true);
        var removal = await subscriber.NextAsync();
        (removal.Payload.Length, removal.Retain).ShouldBe((0, false));
        using var late = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, version));
        await late.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
        await publisher.PublishAsync(_topic, "new", MqttQoS.AtLeastOnce);
        (await late.NextTextAsync()).Payload.ShouldBe("new");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_shared_subscription_gives_each_message_to_one_member(MqttProtocolVersion version)
    {
        const int Count = 20;
        using var first = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, version));
        using var second = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, version));
        await first.SubscribeAsync($"$share/group/{_topic}", MqttQoS.AtLeastOnce);
        await second.SubscribeAsync($"$share/group/{_topic}", MqttQoS.AtLeastOnce);
        for (var i = 0; i < Count; i++)
        {
            await first.PublishAsync(_topic, $"{i}", MqttQoS.AtLeastOnce);
        }

        // Turn by turn, so each member has half.
        var all = new List<string>();
        for (var i = 0; i < Count / 2; i++)
        {
            all.Add((await first.NextTextAsync()).Payload);
            all.Add((await second.NextTextAsync()).Payload);
        }

        all.ShouldBe(Enumerable.Range(0, Count).Select(i => $"{i}"), ignoreOrder: true);
        (first.HasNothing, second.HasNothing).ShouldBe((true, true));
    }

    [Fact]
    public async Task The_properties_of_a_message_arrive_and_a_topic_alias_stands_for_its_topic()
    {
        using var client = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, MqttProtocolVersion.V500));
        var subscribe = new MqttClientSubscribeOptionsBuilder().WithTopicFilter(_topic, MqttQualityOfServiceLevel.ExactlyOnce).WithSubscriptionIdentifier(42);
        await client.Client.SubscribeAsync(subscribe.Build()).WaitAsync(Patience);
        for (var i = 0; i < 3; i++)
        {
            await client.PublishAsync(new MqttApplicationMessage
            {
                Topic = i == 0 ? _topic : "",
                TopicAlias = 7,
                PayloadSegment = "{}"u8.ToArray(),
                QualityOfServiceLevel = MqttQualityOfServiceLevel.ExactlyOnce,
                ContentType = "application/json",
                ResponseTopic = "reply/here",
                CorrelationData = [1, 2, 3],
                MessageExpiryInterval = 100,
                PayloadFormatIndicator = MqttPayloadFormatIndicator.CharacterData,
                UserProperties = [new("a", "1"u8.ToArray()), new("a", "2"u8.ToArray())],
            });
            var message = await client.NextAsync();
            message.Topic.ShouldBe(_topic);
            message.ContentType.ShouldBe("application/json");
            message.ResponseTopic.ShouldBe("reply/here");
            message.CorrelationData.ShouldBe([1, 2, 3]);
            message.MessageExpiryInterval.ShouldBeInRange(90u, 100u);
            message.PayloadFormatIndicator.ShouldBe(MqttPayloadFormatIndicator.CharacterData);
            message.SubscriptionIdentifiers.ShouldBe([42u]);
            message.UserProperties.Select(p => (p.Name, Encoding.UTF8.GetString(p.ValueBuffer.Span))).ShouldBe([("a", "1"), ("a", "2")]);
        }
    }
}
