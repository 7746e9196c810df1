using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Device;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests;

/// <summary>An owner's lock, registered over HTTP, with its virtual device. What a test asks of it goes over HTTP as the owner.</summary>
internal sealed class Door : IAsyncDisposable
{
    private readonly SignedIn _owner;
    private TestApp? _app;

    private Door(SignedIn owner, string deviceId, string keyHex, VirtualLock device)
    {
        _owner = owner;
        DeviceId = deviceId;
        KeyHex = keyHex;
        Device = device;
    }

    public string DeviceId { get; }

    public string KeyHex { get; }

    public byte[] Key => Convert.FromHexString(KeyHex);

    public VirtualLock Device { get; }

    /// <summary>Where to reach the app's own broker.</summary>
    public static IPEndPoint BrokerOf(TestApp app) => new(IPAddress.Loopback, app.Services.GetRequiredService<MqttListener>().EndPoint!.Port);

    /// <summary>Registered, connected to the app's own broker, and Available.</summary>
    public static async Task<Door> OpenAsync(
        TestApp app,
        SignedIn owner,
        string deviceId = "ESP32-7C9EBD",
        Func<VirtualLockOptions, VirtualLockOptions>? adjust = null)
    {
        var door = await NewAsync(owner, BrokerOf(app), deviceId, adjust);
        door._app = app;
        await door.SwitchOnAsync();
        return door;
    }

    /// <summary>Registered, not switched on yet.</summary>
    public static async Task<Door> NewAsync(SignedIn owner, IPEndPoint broker, string deviceId, Func<VirtualLockOptions, VirtualLockOptions>? adjust = null)
    {
        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = $"Door {deviceId}" });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        var key = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        return WithKey(owner, broker, deviceId, key, adjust);
    }

    /// <summary>Registered or prepared already; not switched on yet.</summary>
    public static Door WithKey(SignedIn owner, IPEndPoint broker, string deviceId, string keyHex, Func<VirtualLockOptions, VirtualLockOptions>? adjust = null)
    {
        var options = new VirtualLockOptions
        {
            DeviceId = deviceId,
            Key = DeviceKey.FromHex(keyHex),
            Host = broker.Address.ToString(),
            Port = broker.Port,
        };
        return new Door(owner, deviceId, keyHex, new VirtualLock(adjust?.Invoke(options) ?? options));
    }

    /// <summary>Connected, and Available to its owner.</summary>
    public async Task SwitchOnAsync()
    {
        var last = "nothing happened";
        Device.Happened += (_, e) => last = e.Text;
        try
        {
            await Device.StartAsync().WaitAsync(TimeSpan.FromSeconds(20));
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{DeviceId} did not connect: {last}");
        }

        await StateAsync("Available");
    }

    public Task StateAsync(string state) => UntilAsync("state", state);

    public Task UntilAsync(string member, string? value) => Eventually.TrueAsync(
        async () =>
        {
            await StoreWhatWasReceivedAsync();
            return (await ReadAsync()).GetProperty(member).GetString() == value;
        },
        $"{DeviceId} has {member} {value}");

    public Task<JsonElement> ReadAsync() => _owner.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{DeviceId}");

    public Task<HttpResponseMessage> UnlockAsync(int? wait = 10, string? idempotencyKey = null) => CommandAsync(_owner.Http, "unlock", wait, idempotencyKey);

    public Task<HttpResponseMessage> LockAsync(int? wait = 10) => CommandAsync(_owner.Http, "lock", wait, null);

    public Task<HttpResponseMessage> UnlockAsAsync(SignedIn somebody) => CommandAsync(somebody.Http, "unlock", null, null);

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> LogAsync() =>
        [.. (await _owner.Http.GetFromJsonAsync<JsonElement>($"/api/logs?device_id={DeviceId}&limit=100")).GetProperty("items").EnumerateArray()];

    public ValueTask DisposeAsync() => Device.DisposeAsync();

    /// <summary>Where the clock stands still, the time for which heartbeats are coalesced never passes.</summary>
    private Task StoreWhatWasReceivedAsync() => _app?.Clock is null
        ? Task.CompletedTask
        : _app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);

    private async Task<HttpResponseMessage> CommandAsync(HttpClient http, string action, int? wait, string? idempotencyKey)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/{action}")
        {
            Content = JsonContent.Create(new { device_id = DeviceId }),
        };
        if (wait is { } seconds)
        {
            request.Headers.Add("Prefer", $"wait={seconds}");
        }

        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return await http.SendAsync(request);
    }
}
