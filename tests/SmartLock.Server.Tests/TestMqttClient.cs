using System.Buffers;
using System.Net.Sockets;
using System.Text;
using MQTTnet;
using MQTTnet.Protocol;
using SmartLock.Mqtt;

namespace SmartLock.Server.Tests;

/// <summary>One connection to a broker, made by MQTTnet as a test configures it: version 5 and a random client id unless it says otherwise.</summary>
internal sealed class TestMqttClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly MqttClientOptions _options;
    private int _disconnects;

    /// <param name="port">The broker's.</param>
    /// <param name="configure">Further options.</param>
    /// <param name="onMessage">Awaited for one message at a time; then the message is acknowledged.</param>
    /// <param name="host">The broker's name in its certificate, where it has one.</param>
    public TestMqttClient(
        int port, Action<MqttClientOptionsBuilder>? configure = null, Func<TestMqttMessage, Task>? onMessage = null, string host = "127.0.0.1")
    {
        // The longest keep-alive: many tests move the broker's clock, but MQTTnet pings by the system's. Not zero: mosquitto answers that with a
        // Server Keep Alive, which makes MQTTnet send pings that time out at once.
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(host, port)
            .WithTcpServer(tcp => tcp.LingerState = new LingerOption(enable: false, seconds: 0))
            .WithProtocolVersion(MQTTnet.Formatter.MqttProtocolVersion.V500)
            .WithKeepAlivePeriod(TimeSpan.FromSeconds(ushort.MaxValue));
        configure?.Invoke(builder);
        _options = builder.Build();
        _client.DisconnectedAsync += _ =>
        {
            Interlocked.Increment(ref _disconnects);
            return Task.CompletedTask;
        };
        _client.ApplicationMessageReceivedAsync += received =>
            onMessage?.Invoke(TestMqttMessage.Of(received.ApplicationMessage)) ?? Task.CompletedTask;
    }

    public bool IsConnected => _client.IsConnected;

    /// <summary>Connections that have ended, and attempts that have failed.</summary>
    public int Disconnects => Volatile.Read(ref _disconnects);

    /// <summary>The last CONNACK's.</summary>
    public bool IsSessionPresent { get; private set; }

    /// <returns>The broker's answer.</returns>
    public async Task<MqttReasonCode> TryConnectAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        var answer = await _client.ConnectAsync(_options, limit.Token);
        IsSessionPresent = answer.IsSessionPresent;
        return (MqttReasonCode)answer.ResultCode;
    }

    public async Task ConnectAsync() => (await TryConnectAsync()).ShouldBe(MqttReasonCode.Success);

    /// <returns>The broker's answer: the granted QoS or a failure.</returns>
    public async Task<MqttReasonCode> SubscribeAsync(string filter, MqttQoS qos = MqttQoS.AtLeastOnce)
    {
        using var limit = new CancellationTokenSource(Patience);
        var options = new MqttClientSubscribeOptionsBuilder().WithTopicFilter(filter, (MqttQualityOfServiceLevel)qos).Build();
        return (MqttReasonCode)(await _client.SubscribeAsync(options, limit.Token)).Items.Single().ResultCode;
    }

    /// <returns>The broker's answer; Success at QoS 0, which has none.</returns>
    public async Task<MqttReasonCode> PublishAsync(string topic, byte[] payload, MqttQoS qos = MqttQoS.AtLeastOnce, bool retain = false)
    {
        using var limit = new CancellationTokenSource(Patience);
        var message = new MqttApplicationMessage
        {
            Topic = topic,
            Payload = new ReadOnlySequence<byte>(payload),
            QualityOfServiceLevel = (MqttQualityOfServiceLevel)qos,
            Retain = retain,
        };
        return (MqttReasonCode)(await _client.PublishAsync(message, limit.Token)).ReasonCode;
    }

    public Task<MqttReasonCode> PublishAsync(string topic, string payload, MqttQoS qos = MqttQoS.AtLeastOnce, bool retain = false) =>
        PublishAsync(topic, Encoding.UTF8.GetBytes(payload), qos, retain);

    /// <summary>Closes the socket without DISCONNECT.</summary>
    public void Abort() => _client.Dispose();

    public async ValueTask DisposeAsync()
    {
        if (_client.IsConnected)
        {
            await _client.TryDisconnectAsync();
        }

        _client.Dispose();
    }
}

/// <summary>A received message.</summary>
internal sealed record TestMqttMessage(string Topic, byte[] Payload, bool Retain)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    public static TestMqttMessage Of(MqttApplicationMessage message) => new(message.Topic, message.Payload.ToArray(), message.Retain);
}
