using System.Text;
using System.Text.Json;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Original;

/// <summary>
/// Does what the first system's Arduino sketch does on the wire: MQTT 3.1.1, everything at QoS 0, one topic each way, and every command
/// on it is obeyed, whoever it is meant for.
/// </summary>
internal sealed class Sketch : IAsyncDisposable
{
    private readonly string _deviceId;
    private readonly MqttClient _client;
    private volatile string _bolt = "Unknown";
    private int _commands;

    private Sketch(TestApp app, string deviceId, string userName, string password)
    {
        _deviceId = deviceId;
        var broker = Door.BrokerOf(app);
        _client = new MqttClient(
            new MqttClientOptions
            {
                Host = broker.Address.ToString(),
                Port = broker.Port,
                ClientId = $"ESP32Client-24:0A:C4:00:{deviceId.Length:X2}:01",
                UserName = userName,
                Password = password,
                ProtocolVersion = MqttProtocolVersion.V311,
            },
            ObeyAsync);
    }

    public string Bolt => _bolt;

    public int Commands => Volatile.Read(ref _commands);

    /// <summary>Connected, subscribed, and "Booted" said.</summary>
    public static async Task<Sketch> StartAsync(TestApp app, string deviceId, string userName, string password)
    {
        var sketch = new Sketch(app, deviceId, userName, password);
        await sketch._client.ConnectAsync();
        (await sketch._client.SubscribeAsync("smartlock/commands", MqttQoS.AtMostOnce)).IsFailure().ShouldBeFalse();
        await sketch.SayAsync("Booted", "Unknown");
        return sketch;
    }

    /// <summary>Every 9 seconds on the board; here when the test wants one.</summary>
    public Task HeartbeatAsync() => SayAsync("Online", _bolt);

    public Task IsAsync(string bolt) => Eventually.TrueAsync(() => _bolt == bolt, $"{_deviceId} is {bolt}");

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private async ValueTask ObeyAsync(MqttReceivedMessage message, CancellationToken ct)
    {
        var command = JsonDocument.Parse(message.Payload).RootElement;
        _bolt = command.GetProperty("command").GetString() == "LOCK" ? "Locked" : "Unlocked";
        Interlocked.Increment(ref _commands);
        await SayAsync(_bolt, _bolt);
    }

    private async Task SayAsync(string status, string state) => await _client.PublishAsync(
        "smartlock/status",
        Encoding.UTF8.GetBytes($$"""{"device":"{{_deviceId}}","status":"{{status}}","state":"{{state}}"}"""),
        MqttQoS.AtMostOnce);
}
