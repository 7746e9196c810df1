using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.VirtualDevice;

namespace SmartLock.Demo;

internal sealed record DemoLock(string DeviceId, string Name);

/// <summary>
/// An account with two virtual locks. It is made through the REST API, and the locks connect to the broker over TCP, as real ones do.
/// </summary>
internal sealed class DemoAccount : IAsyncDisposable
{
    private static readonly DemoLock[] Doors = [new("ESP32-7C9EBD", "Front door"), new("ESP32-51A0F2", "Garden gate")];
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(50);
    private readonly List<VirtualLock> _devices = [];

    private DemoAccount(string password)
    {
        Password = password;
    }

    public string Username { get; } = "demo";

    public string Password { get; }

    public IReadOnlyList<DemoLock> Locks { get; } = Doors;

    /// <exception cref="TimeoutException">A lock was not Available in time.</exception>
    public static async Task<DemoAccount> CreateAsync(Uri http, IPEndPoint mqtt, string password, TimeSpan within, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(within);
        var account = new DemoAccount(password);
        try
        {
            await account.SetUpAsync(http, mqtt, limit.Token);
            return account;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            await account.DisposeAsync();
            throw new TimeoutException($"The virtual locks were not Available within {within.TotalSeconds:0} s.");
        }
        catch
        {
            await account.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices)
        {
            await device.DisposeAsync();
        }

        _devices.Clear();
    }

    private async Task SetUpAsync(Uri http, IPEndPoint mqtt, CancellationToken ct)
    {
        using var client = new HttpClient { BaseAddress = http };
        await PostAsync(client, "/api/auth/register", new { username = Username, password = Password }, ct);
        var login = await PostAsync(client, "/api/auth/login", new { username = Username, password = Password }, ct);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", login.GetProperty("access_token").GetString());
        foreach (var door in Doors)
        {
            var registered = await PostAsync(client, "/api/locks", new { device_id = door.DeviceId, name = door.Name }, ct);
            var device = new VirtualLock(new VirtualLockOptions
            {
                DeviceId = door.DeviceId,
                Key = DeviceKey.FromHex(registered.GetProperty("key").GetString()!),
                Host = mqtt.Address.ToString(),
                Port = mqtt.Port,
            });
            _devices.Add(device);
            await device.StartAsync(ct);
        }

        foreach (var door in Doors)
        {
            await AvailableAsync(client, door, ct);
        }
    }

    private static async Task AvailableAsync(HttpClient client, DemoLock door, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(PollEvery);
        while ((await client.GetFromJsonAsync<JsonElement>($"/api/locks/{door.DeviceId}", ct)).GetProperty("state").GetString() != "Available")
        {
            await timer.WaitForNextTickAsync(ct);
        }
    }

    private static async Task<JsonElement> PostAsync(HttpClient client, string path, object body, CancellationToken ct)
    {
        using var response = await client.PostAsJsonAsync(path, body, ct);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>(ct);
    }
}
