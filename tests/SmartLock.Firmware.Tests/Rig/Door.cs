using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.Testing;

namespace SmartLock.Firmware.Tests.Rig;

/// <summary>The server's side of one lock: signs its commands and keeps what it reports.</summary>
internal sealed class Door : IDisposable
{
    public const string DeviceId = "ESP32-7C9EBD";
    public const string KeyText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    private readonly ConcurrentQueue<JsonElement> _statuses = new();
    private ServerSideClient? _client;
    private long _lastIssued;
    private string? _boot;

    private Door()
    {
    }

    public static DeviceKey Key { get; } = DeviceKey.FromHex(KeyText);

    public static async Task<Door> WatchAsync(int port)
    {
        var door = new Door();
        await door.WatchAgainAsync(port);
        return door;
    }

    /// <summary>After its broker has gone and come back.</summary>
    public async Task WatchAgainAsync(int port)
    {
        _client?.Dispose();
        _client = await ServerSideClient.ConnectAsync(
            port, "server", "server", (_, payload) => _statuses.Enqueue(JsonDocument.Parse(payload).RootElement));
        await _client.SubscribeAsync("smartlock/status/#");
    }

    public byte[] Command(string command, string id)
    {
        _lastIssued = Math.Max(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), _lastIssued + 1);
        return Signed(command, id, _lastIssued, _statuses.Select(s => Text(s, "boot")).LastOrDefault() ?? _boot);
    }

    public static byte[] Signed(string command, string id, long issuedAt, string? boot) => Encoding.UTF8.GetBytes(SignedMessage.Sign(
        Key,
        SignedMessage.Command,
        $$"""{"device_id":"{{DeviceId}}","command":"{{command}}","command_id":"{{id}}",""" +
        $$""" "issued_at":{{issuedAt}},"expires_at":{{issuedAt + 10_000}},"boot":"{{boot}}" """));

    public Task SendAsync(byte[] command) => _client!.PublishAsync("smartlock/commands/" + DeviceId, command);

    /// <summary>Forgets the earlier reports.</summary>
    public void LookAgain()
    {
        _boot = _statuses.Select(s => Text(s, "boot")).LastOrDefault() ?? _boot;
        _statuses.Clear();
    }

    public Task ReportAsync(string what, params (string Name, string Value)[] members) => Eventually.TrueAsync(
        () => _statuses.Any(status => members.All(m => Text(status, m.Name) == m.Value)), what);

    public void Dispose() => _client?.Dispose();

    private static string? Text(JsonElement status, string member) =>
        status.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
