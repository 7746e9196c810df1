using System.Collections.Concurrent;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.Testing;
using SmartLock.VirtualDevice.Tests.Rig;

namespace SmartLock.VirtualDevice.Tests.Brokers;

/// <summary>A running broker, and a server's connection to it that issues commands and keeps every status.</summary>
internal abstract class BrokerUnderTest : IAsyncDisposable
{
    protected static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<JsonElement> _statuses = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private ServerSideClient? _server;

    public abstract int Port { get; }

    public IReadOnlyCollection<JsonElement> Statuses => _statuses;

    public VirtualLockOptions OptionsFor(string deviceId) => new()
    {
        DeviceId = deviceId,
        Key = KeyOf(deviceId),
        Host = "127.0.0.1",
        Port = Port,
        ShortestReconnectWait = TimeSpan.FromMilliseconds(50),
        LongestReconnectWait = TimeSpan.FromMilliseconds(500),
    };

    public static DeviceKey KeyOf(string deviceId) => DeviceKey.FromBytes(Server.Key.Mac(System.Text.Encoding.UTF8.GetBytes(deviceId)));

    public async Task ListenAsync()
    {
        _server = await ServerSideClient.ConnectAsync(Port, "server", "server", (_, payload) =>
        {
            _statuses.Enqueue(JsonDocument.Parse(payload).RootElement);
            _arrived.Release();
        });
        await _server.SubscribeAsync("smartlock/status/#");
    }

    /// <summary>For the start that the device's last status named, which is waited for.</summary>
    public async Task UnlockAsync(string deviceId, string id)
    {
        await StatusAsync(IsOfDevice);
        var boot = Text(Statuses.Last(IsOfDevice), "boot")!;
        await PublishAsync($"smartlock/commands/{deviceId}", Server.Command(deviceId, KeyOf(deviceId), "UNLOCK", id, TimeProvider.System, boot));

        bool IsOfDevice(JsonElement status) => Text(status, "device_id") == deviceId && Text(status, "status") is not null;
    }

    public Task PublishAsync(string topic, byte[] payload, bool retain = false) => _server!.PublishAsync(topic, payload, retain);

    public Task<JsonElement> StatusAsync(Func<JsonElement, bool> isIt) => FindAsync(isIt).WaitAsync(Guard);

    private async Task<JsonElement> FindAsync(Func<JsonElement, bool> isIt)
    {
        while (true)
        {
            foreach (var status in _statuses.Where(isIt))
            {
                return status;
            }

            (await _arrived.WaitAsync(Guard, TestContext.Current.CancellationToken)).ShouldBeTrue("no status came");
        }
    }

    public Task<JsonElement> VerdictAsync(string commandId) => StatusAsync(s => Text(s, "command_id") == commandId);

    public static string? Text(JsonElement status, string member) =>
        status.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The broker dies, with all it held; its clients see their connections break.</summary>
    public abstract Task KillAsync();

    /// <summary>On the same port, after <see cref="KillAsync"/>.</summary>
    public abstract Task RestartAsync();

    public virtual ValueTask DisposeAsync()
    {
        _server?.Dispose();
        _arrived.Dispose();
        return ValueTask.CompletedTask;
    }
}
