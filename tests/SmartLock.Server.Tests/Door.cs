using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Device;
using SmartLock.Server.Messaging;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests;

/// <summary>An owner's lock, registered over HTTP, with its virtual device. What a test asks of it goes over HTTP as the owner.</summary>
internal sealed class Door : IAsyncDisposable
{
    private readonly SignedIn _owner;

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

    /// <summary>Where the app's own broker listens.</summary>
    public static IPEndPoint BrokerOf(TestApp app) => app.Services.GetRequiredService<MqttListener>().EndPoint!;

    /// <summary>Registered, connected to the app's own broker, and Available.</summary>
    public static async Task<Door> OpenAsync(
        TestApp app,
        SignedIn owner,
        string deviceId = "ESP32-7C9EBD",
        Func<VirtualLockOptions, VirtualLockOptions>? adjust = null)
    {
        var door = await NewAsync(owner, BrokerOf(app), deviceId, adjust);
        await door.SwitchOnAsync();
        return door;
    }

    /// <summary>Registered, not switched on yet.</summary>
    public static async Task<Door> NewAsync(SignedIn owner, IPEndPoint broker, string deviceId, Func<VirtualLockOptions, VirtualLockOptions>? adjust = null)
    {
        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = $"Door {deviceId}" });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        var key = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        var options = new VirtualLockOptions
        {
            DeviceId = deviceId,
            Key = DeviceKey.FromHex(key),
            Host = broker.Address.ToString(),
            Port = broker.Port,
        };
        return new Door(owner, deviceId, key, new VirtualLock(adjust?.Invoke(options) ?? options));
    }

    /// <summary>Connected, and Available to its owner.</summary>
    public async Task SwitchOnAsync()
    {
        await Device.StartAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await StateAsync("Available");
    }

    public Task StateAsync(string state) =>
        Eventually.TrueAsync(async () => (await ReadAsync()).GetProperty("state").GetString() == state, $"{DeviceId} is {state}");

    public Task<JsonElement> ReadAsync() => _owner.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{DeviceId}");

    public Task<HttpResponseMessage> UnlockAsync(int? wait = 10, string? idempotencyKey = null) => CommandAsync(_owner.Http, "unlock", wait, idempotencyKey);

    public Task<HttpResponseMessage> LockAsync(int? wait = 10) => CommandAsync(_owner.Http, "lock", wait, null);

    public Task<HttpResponseMessage> UnlockAsAsync(SignedIn somebody) => CommandAsync(somebody.Http, "unlock", null, null);

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> LogAsync() =>
        [.. (await _owner.Http.GetFromJsonAsync<JsonElement>($"/api/logs?device_id={DeviceId}&limit=100")).GetProperty("items").EnumerateArray()];

    public ValueTask DisposeAsync() => Device.DisposeAsync();

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
