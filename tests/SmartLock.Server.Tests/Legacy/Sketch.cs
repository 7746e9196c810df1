using System.Text.Json;
using SmartLock.Mqtt;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Legacy;

/// <summary>
/// Does what the first system's Arduino sketch does on the wire: MQTT 3.1.1, everything at QoS 0, one topic each way, and every command
/// on it is obeyed, whoever it is meant for. With its libraries' ways: what it says is retained, since <c>publish(topic, buffer, length)</c> takes
/// the third for PubSubClient 2.8's <c>retained</c>; a packet longer than that library's buffer is passed over; and so is what is too much for
/// ArduinoJson 6's <c>StaticJsonDocument&lt;256&gt;</c> on 32 bits.
/// </summary>
internal sealed class Sketch : IAsyncDisposable
{
    public const int DefaultBuffer = 256;
    private const int JsonDocument6 = 256;
    private const int JsonSlot = 16;

    private readonly string _deviceId;
    private readonly int _buffer;
    private readonly int _json;
    private readonly TestMqttClient _client;
    private volatile string _bolt = "Unknown";
    private int _commands;

    private Sketch(TestApp app, string deviceId, string userName, string password, bool isEnlarged)
    {
        _deviceId = deviceId;
        (_buffer, _json) = isEnlarged ? (2 * DefaultBuffer, 2 * JsonDocument6) : (DefaultBuffer, JsonDocument6);
        _client = new TestMqttClient(
            Door.BrokerOf(app).Port,
            o => o
                .WithClientId($"ESP32Client-24:0A:C4:00:{deviceId.Length:X2}:01")
                .WithCredentials(userName, password)
                .WithProtocolVersion(MQTTnet.Formatter.MqttProtocolVersion.V311),
            ObeyAsync);
    }

    public string Bolt => _bolt;

    public int Commands => Volatile.Read(ref _commands);

    /// <summary>Connected, subscribed, and "Booted" said.</summary>
    /// <param name="isEnlarged">With twice the libraries' memory.</param>
    public static async Task<Sketch> StartAsync(TestApp app, string deviceId, string userName, string password, bool isEnlarged = false)
    {
        var sketch = new Sketch(app, deviceId, userName, password, isEnlarged);
        await sketch._client.ConnectAsync();
        (await sketch._client.SubscribeAsync("smartlock/commands", MqttQoS.AtMostOnce)).IsFailure().ShouldBeFalse();
        await sketch.SayAsync("Booted", "Unknown");
        return sketch;
    }

    /// <summary>Every 9 seconds on the board; here when the test wants one.</summary>
    public Task HeartbeatAsync() => SayAsync("Online", _bolt);

    public Task IsAsync(string bolt) => Eventually.TrueAsync(() => _bolt == bolt, $"{_deviceId} is {bolt}");

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private async Task ObeyAsync(TestMqttMessage message)
    {
        var command = JsonDocument.Parse(message.Payload).RootElement;
        if (PacketBytes(message) > _buffer || JsonBytes(command) > _json)
        {
            return;
        }

        _bolt = command.GetProperty("command").GetString() == "LOCK" ? "Locked" : "Unlocked";
        Interlocked.Increment(ref _commands);
        await SayAsync(_bolt, _bolt);
    }

    /// <summary>MQTT 3.1.1 at QoS 0: a header byte, the length in one byte or two, and the topic with its length in two.</summary>
    private static int PacketBytes(TestMqttMessage message)
    {
        var rest = 2 + message.Topic.Length + message.Payload.Length;
        return 1 + (rest < 128 ? 1 : 2) + rest;
    }

    /// <summary>Every string is copied, with a zero, and none that is there already is used again: so up to version 6.15.</summary>
    private static int JsonBytes(JsonElement command) => command.EnumerateObject().Sum(
        m => JsonSlot + m.Name.Length + 1 + (m.Value.ValueKind is JsonValueKind.String ? m.Value.GetString()!.Length + 1 : 0));

    private async Task SayAsync(string status, string state) => await _client.PublishAsync(
        "smartlock/status",
        $$"""{"device":"{{_deviceId}}","status":"{{status}}","state":"{{state}}"}""",
        MqttQoS.AtMostOnce,
        retain: true);
}
