using System.Text;
using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Tests.Client;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>This library's client with a stock mosquitto that comes and goes; what needs no coming and going is in Client/MosquittoTests.</summary>
public sealed class MosquittoBrokerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Inbox _inbox = new();

    public static TheoryData<MqttProtocolVersion> Versions { get; } = [MqttProtocolVersion.V311, MqttProtocolVersion.V500];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_session_outlives_client_and_broker(MqttProtocolVersion version)
    {
        await using var mosquitto = await StartAsync(persistent: true);
        var options = Lasting(mosquitto, version, "sleeper");
        await using (var first = new MqttClient(options, _inbox.OnMessageAsync))
        {
            (await first.ConnectAsync().WaitAsync(Patience)).SessionPresent.ShouldBeFalse();
            ((int)await first.SubscribeAsync("t/#", MqttQoS.ExactlyOnce).WaitAsync(Patience)).ShouldBe(2);
            await first.DisconnectAsync().WaitAsync(Patience);
        }

        await using (var publisher = new MqttClient(Lasting(mosquitto, version, "publisher")))
        {
            await publisher.ConnectAsync().WaitAsync(Patience);
            (await PublishAsync(publisher, "t/1", MqttQoS.AtLeastOnce)).IsDelivered.ShouldBeTrue();
            (await PublishAsync(publisher, "t/2", MqttQoS.ExactlyOnce)).IsDelivered.ShouldBeTrue();
            await publisher.PublishAsync("kept", "r"u8.ToArray(), MqttQoS.AtLeastOnce, retain: true).AsTask().WaitAsync(Patience);
        }

        await mosquitto.StopAsync();
        await mosquitto.StartAsync();
        await using var second = new MqttClient(options, _inbox.OnMessageAsync);
        (await second.ConnectAsync().WaitAsync(Patience)).SessionPresent.ShouldBeTrue();
        (await NextAsync()).ShouldBe("t/1 AtLeastOnce False");
        (await NextAsync()).ShouldBe("t/2 ExactlyOnce False");
        await second.SubscribeAsync("kept", MqttQoS.AtLeastOnce).WaitAsync(Patience);
        (await NextAsync()).ShouldBe("kept AtLeastOnce True");
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311, true)]
    [InlineData(MqttProtocolVersion.V311, false)]
    [InlineData(MqttProtocolVersion.V500, true)]
    [InlineData(MqttProtocolVersion.V500, false)]
    public async Task A_started_client_survives_a_restart_of_the_broker_with_or_without_its_session(MqttProtocolVersion version, bool persistent)
    {
        await using var mosquitto = await StartAsync(persistent);
        await using var client = new MqttClient(Lasting(mosquitto, version, "stayer"), _inbox.OnMessageAsync);
        await client.StartAsync();
        await client.SubscribeAsync("t/#", MqttQoS.ExactlyOnce).WaitAsync(Patience);
        var lost = new TaskCompletionSource();
        var back = new TaskCompletionSource<bool>();
        client.Disconnected += (_, _) => lost.TrySetResult();
        client.Connected += (_, e) => back.TrySetResult(e.SessionPresent);
        await mosquitto.StopAsync();
        await lost.Task.WaitAsync(Patience);

        // Queued while there is nobody to take them.
        var first = PublishAsync(client, "t/1", MqttQoS.AtLeastOnce);
        var second = PublishAsync(client, "t/2", MqttQoS.ExactlyOnce);
        await mosquitto.StartAsync();
        (await back.Task.WaitAsync(Patience)).ShouldBe(persistent);
        (await first).IsDelivered.ShouldBeTrue();
        (await second).IsDelivered.ShouldBeTrue();
        (await NextAsync()).ShouldBe("t/1 AtLeastOnce False");
        (await NextAsync()).ShouldBe("t/2 ExactlyOnce False");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task It_speaks_over_a_websocket_that_the_application_opened(MqttProtocolVersion version)
    {
        await using var mosquitto = await StartAsync(webSocket: true);
        var options = Lasting(mosquitto, version, "web") with
        {
            Connector = async ct => await WebSocketConnection.OpenAsync(new Uri($"ws://127.0.0.1:{mosquitto.WebSocketPort}/mqtt"), ct),
        };
        await using var client = new MqttClient(options, _inbox.OnMessageAsync);
        await client.ConnectAsync().WaitAsync(Patience);
        await client.SubscribeAsync("t/#", MqttQoS.ExactlyOnce).WaitAsync(Patience);
        for (var qos = MqttQoS.AtMostOnce; qos <= MqttQoS.ExactlyOnce; qos++)
        {
            (await PublishAsync(client, $"t/{(int)qos}", qos)).IsDelivered.ShouldBeTrue();
            (await NextAsync()).ShouldBe($"t/{(int)qos} {qos} False");
        }

        var large = new byte[100_000];
        await client.PublishAsync("t", large, MqttQoS.AtLeastOnce).AsTask().WaitAsync(Patience);
        (await _inbox.NextAsync()).Payload.Length.ShouldBe(large.Length);
    }

    [Fact]
    public async Task Properties_travel_to_mosquittos_own_clients_and_from_them()
    {
        await using var mosquitto = await StartAsync();
        string[] common = ["-h", "127.0.0.1", "-p", $"{mosquitto.Port}", "-V", "mqttv5", "-q", "1"];
        await using var client = new MqttClient(Lasting(mosquitto, MqttProtocolVersion.V500, "ours"), _inbox.OnMessageAsync);
        await client.ConnectAsync().WaitAsync(Patience);
        await client.SubscribeAsync("to/us", MqttQoS.AtLeastOnce).WaitAsync(Patience);
        await using var listener = MosquittoClient.Start("mosquitto_sub", [.. common, "-t", "from/us", "-C", "1", "-W", "30", "-F", "%p %C %D %R %P", "-d"]);
        await listener.LineAsync(l => l.StartsWith("Subscribed", StringComparison.Ordinal), "subscribed");
        var properties = new MqttProperties
        {
            ContentType = "text/plain",
            CorrelationData = "0123"u8.ToArray(),
            ResponseTopic = "to/us",
            UserProperties = [new("name", "value")],
        };
        await client.PublishAsync("from/us", "x"u8.ToArray(), MqttQoS.AtLeastOnce, properties: properties).AsTask().WaitAsync(Patience);
        await listener.LineAsync(l => l == "x text/plain 0123 to/us name:value", "the message with its properties");

        await using var publisher = MosquittoClient.Start(
            "mosquitto_pub",
            [.. common, "-t", "to/us", "-m", "y", "-D", "publish", "content-type", "text/plain", "-D", "publish", "correlation-data", "0123", "-D", "publish", "user-property", "name", "value"]);
        (await publisher.ExitAsync(Patience)).ShouldBe(0, publisher.Output);
        var received = (await _inbox.NextAsync()).Properties!;
        received.ContentType.ShouldBe("text/plain");
        Encoding.UTF8.GetString(received.CorrelationData!.Value.Span).ShouldBe("0123");
        received.UserProperties.ShouldBe([new("name", "value")]);
    }

    private static async Task<Mosquitto> StartAsync(bool persistent = false, bool webSocket = false)
    {
        Assert.SkipWhen(Mosquitto.Executable is null, "mosquitto is not installed");
        var mosquitto = await Mosquitto.PrepareAsync(persistent, webSocket);
        try
        {
            await mosquitto.StartAsync();
            return mosquitto;
        }
        catch (InvalidOperationException e)
        {
            await mosquitto.DisposeAsync();
            Assert.SkipWhen(e.Message.Contains("Websockets support not available", StringComparison.Ordinal), "This mosquitto was built without WebSocket");
            throw;
        }
    }

    private static MqttClientOptions Lasting(Mosquitto mosquitto, MqttProtocolVersion version, string clientId) => new()
    {
        Host = "127.0.0.1",
        Port = mosquitto.Port,
        ProtocolVersion = version,
        ClientId = clientId,
        CleanStart = false,
        SessionExpiry = TimeSpan.FromMinutes(5),
        ReconnectMinimum = TimeSpan.FromMilliseconds(20),
        ReconnectMaximum = TimeSpan.FromMilliseconds(100),
    };

    private static Task<MqttPublishResult> PublishAsync(MqttClient client, string topic, MqttQoS qos) =>
        client.PublishAsync(topic, "x"u8.ToArray(), qos).AsTask().WaitAsync(Patience);

    private async Task<string> NextAsync()
    {
        var message = await _inbox.NextAsync();
        return $"{message.Topic} {message.QoS} {message.Retain}";
    }
}
