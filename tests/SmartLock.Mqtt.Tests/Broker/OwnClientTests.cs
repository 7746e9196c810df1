using System.Text;
using System.Threading.Channels;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Tests.Interop;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>This library's client and broker, over TCP.</summary>
public sealed class OwnClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task They_understand_each_other_at_every_qos(MqttProtocolVersion version)
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        var received = Channel.CreateUnbounded<string>();
        await using var subscriber = Create(host, "s", version, received.Writer);
        await using var publisher = Create(host, "p", version);
        await subscriber.ConnectAsync().WaitAsync(Patience);
        await publisher.ConnectAsync().WaitAsync(Patience);
        await subscriber.SubscribeAsync([new MqttSubscription("a/+", MqttQoS.ExactlyOnce)]).WaitAsync(Patience);
        foreach (var qos in new[] { MqttQoS.AtMostOnce, MqttQoS.AtLeastOnce, MqttQoS.ExactlyOnce })
        {
            var result = await publisher.PublishAsync(new MqttMessage("a/b", Encoding.UTF8.GetBytes($"{qos}")) { QoS = qos }).AsTask().WaitAsync(Patience);
            result.ReasonCode.ShouldBe(MqttReasonCode.Success);
            (await received.Reader.ReadAsync().AsTask().WaitAsync(Patience)).ShouldBe($"a/b {qos} {qos}");
        }
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task What_is_published_while_the_client_is_away_arrives_when_it_is_back(MqttProtocolVersion version)
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        var received = Channel.CreateUnbounded<string>();
        await using (var first = Create(host, "s", version, lasting: true))
        {
            await first.ConnectAsync().WaitAsync(Patience);
            await first.SubscribeAsync([new MqttSubscription("a", MqttQoS.AtLeastOnce)]).WaitAsync(Patience);
            await first.DisconnectAsync().WaitAsync(Patience);
        }

        await UntilAsync(() => host.Broker.GetStatistics().Connections == 0);
        for (var i = 0; i < 100; i++)
        {
            host.Broker.Publish("a", Encoding.UTF8.GetBytes($"{i}"), MqttQoS.AtLeastOnce).ShouldBe(1);
        }

        await using var second = Create(host, "s", version, received.Writer, lasting: true);
        (await second.ConnectAsync().WaitAsync(Patience)).SessionPresent.ShouldBeTrue();
        for (var i = 0; i < 100; i++)
        {
            (await received.Reader.ReadAsync().AsTask().WaitAsync(Patience)).ShouldBe($"a {i} AtLeastOnce");
        }
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_client_over_the_applications_own_websocket_speaks_and_leaves_in_order(MqttProtocolVersion version)
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        var address = new Uri($"ws://127.0.0.1:{host.HttpPort}/mqtt");
        var will = false;
        using var watching = host.Broker.Subscribe("will", (in InboundMessage _) => will = true);
        var received = Channel.CreateUnbounded<string>();
        await using (var client = new MqttClient(
            Options(host, "w", version) with
            {
                Connector = async ct => await WebSocketConnection.OpenAsync(address, ct),
                Will = new MqttWill("will", default),
            },
            (message, ct) => received.Writer.WriteAsync(message.Topic, ct)))
        {
            await client.ConnectAsync().WaitAsync(Patience);
            await client.SubscribeAsync("a", MqttQoS.ExactlyOnce).WaitAsync(Patience);
            (await client.PublishAsync("a", "x"u8.ToArray(), MqttQoS.ExactlyOnce).AsTask().WaitAsync(Patience)).IsDelivered.ShouldBeTrue();
            (await received.Reader.ReadAsync().AsTask().WaitAsync(Patience)).ShouldBe("a");
            await client.DisconnectAsync().WaitAsync(Patience);
        }

        await UntilAsync(() => host.Broker.GetStatistics().Connections == 0);
        will.ShouldBeFalse();
    }

    [Fact]
    public async Task A_burst_from_many_clients_arrives_whole_and_in_each_ones_order()
    {
        const int Clients = 20;
        const int Each = 500;
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        var next = new int[Clients];
        var disorder = 0;
        var left = Clients * Each;
        var done = new TaskCompletionSource();
        using var subscription = host.Broker.Subscribe("burst/+", (in InboundMessage m) =>
        {
            var publisher = int.Parse(m.PublisherClientId!, System.Globalization.CultureInfo.InvariantCulture);
            var number = int.Parse(m.Payload, System.Globalization.CultureInfo.InvariantCulture);
            disorder += number == next[publisher]++ ? 0 : 1;
            if (Interlocked.Decrement(ref left) == 0)
            {
                done.SetResult();
            }
        });
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async n =>
        {
            await using var client = Create(host, $"{n}", MqttProtocolVersion.V500);
            await client.ConnectAsync();
            for (var i = 0; i < Each; i++)
            {
                var message = new MqttMessage($"burst/{n}", Encoding.UTF8.GetBytes($"{i}")) { QoS = MqttQoS.AtLeastOnce };
                (await client.PublishAsync(message)).IsDelivered.ShouldBeTrue();
            }
        })).WaitAsync(Patience);
        await done.Task.WaitAsync(Patience);
        disorder.ShouldBe(0);
    }

    private static MqttClient Create(
        KestrelBroker host,
        string clientId,
        MqttProtocolVersion version,
        ChannelWriter<string>? received = null,
        bool lasting = false)
    {
        var options = Options(host, clientId, version) with
        {
            CleanStart = !lasting,
            SessionExpiry = lasting ? TimeSpan.FromMinutes(5) : TimeSpan.Zero,
        };
        return new MqttClient(options, (message, _) =>
        {
            received?.TryWrite($"{message.Topic} {Encoding.UTF8.GetString(message.Payload.Span)} {message.QoS}");
            return ValueTask.CompletedTask;
        });
    }

    private static MqttClientOptions Options(KestrelBroker host, string clientId, MqttProtocolVersion version) => new()
    {
        Host = "127.0.0.1",
        Port = host.MqttPort,
        ClientId = clientId,
        UserName = "device",
        ProtocolVersion = version,
    };

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
