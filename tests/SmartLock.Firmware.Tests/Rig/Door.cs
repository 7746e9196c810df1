using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;
using SmartLock.Testing;

namespace SmartLock.Firmware.Tests.Rig;

/// <summary>The server's side of one lock: signs its commands and keeps what it reports.</summary>
internal sealed class Door : IAsyncDisposable
{
    public const string DeviceId = "ESP32-7C9EBD";
    public const string KeyText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    private readonly ConcurrentQueue<JsonElement> _statuses = new();
    private readonly MqttClient _client;
    private long _lastIssued;

    private Door(int port)
    {
        var options = new MqttClientOptions { Host = "127.0.0.1", Port = port, ClientId = "server", UserName = "server", Password = "server" };
        _client = new MqttClient(options, (message, _) =>
        {
            _statuses.Enqueue(JsonDocument.Parse(message.Payload).RootElement);
            return ValueTask.CompletedTask;
        });
    }

    public static DeviceKey Key { get; } = DeviceKey.FromHex(KeyText);

    public static async Task<Door> WatchAsync(int port)
    {
        var door = new Door(port);
        await door._client.StartAsync();
        await door._client.WaitUntilConnectedAsync().WaitAsync(TimeSpan.FromSeconds(20));
        (await door._client.SubscribeAsync("smartlock/status/#", MqttQoS.AtLeastOnce)).IsFailure().ShouldBeFalse();
        return door;
    }

    public byte[] Command(string command, string id)
    {
        _lastIssued = Math.Max(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), _lastIssued + 1);
        var signature = Key.Sign(SigningLines.Command(DeviceId, command, id, _lastIssued, _lastIssued + 10_000));
        return Encoding.UTF8.GetBytes(
            $$"""{"device_id":"{{DeviceId}}","command":"{{command}}","command_id":"{{id}}",""" +
            $$""" "issued_at":{{_lastIssued}},"expires_at":{{_lastIssued + 10_000}},"signature":"{{signature}}"}""");
    }

    public async Task SendAsync(byte[] command)
    {
        var sent = await _client.PublishAsync("smartlock/commands/" + DeviceId, command, MqttQoS.AtLeastOnce);
        sent.IsDelivered.ShouldBeTrue();
    }

    /// <summary>Forgets the earlier reports.</summary>
    public void LookAgain() => _statuses.Clear();

    public Task ReportAsync(string what, params (string Name, string Value)[] members) => Eventually.TrueAsync(
        () => _statuses.Any(status => members.All(m => Text(status, m.Name) == m.Value)), what);

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static string? Text(JsonElement status, string member) =>
        status.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
