using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Benchmarks;

/// <summary>An account with 50 locks, each with its device connected: what is read has all that a lock in use has.</summary>
internal sealed class RestAccount : IAsyncDisposable
{
    public const int Locks = 50;

    private const string Password = "correct horse battery";
    private readonly List<VirtualLock> _devices = [];

    private RestAccount(string token)
    {
        Token = token;
    }

    public string Token { get; }

    public static string DeviceId(int number) => string.Create(CultureInfo.InvariantCulture, $"BENCH-{number}");

    public static async Task<RestAccount> CreateAsync(Uri address, int mqttPort)
    {
        using var http = new HttpClient { BaseAddress = address };
        var credentials = new { username = "bench", password = Password };
        (await http.PostAsJsonAsync("/api/auth/register", credentials)).EnsureSuccessStatusCode();
        using var login = await http.PostAsJsonAsync("/api/auth/login", credentials);
        var token = (await login.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString()!;
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var account = new RestAccount(token);
        try
        {
            for (var i = 0; i < Locks; i++)
            {
                account._devices.Add(await RegisterLockAsync(http, DeviceId(i), mqttPort));
            }

            await Eventually.TrueAsync(
                async () => !(await http.GetStringAsync("/api/locks?limit=50")).Contains("\"Unavailable\"", StringComparison.Ordinal),
                "all locks are Available");
            return account;
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
    }

    private static async Task<VirtualLock> RegisterLockAsync(HttpClient http, string id, int mqttPort)
    {
        using var registered = await http.PostAsJsonAsync("/api/locks", new { device_id = id, name = id });
        registered.EnsureSuccessStatusCode();
        var key = (await registered.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        var device = new VirtualLock(new VirtualLockOptions { DeviceId = id, Key = DeviceKey.FromHex(key), Host = "127.0.0.1", Port = mqttPort });
        await device.StartAsync();
        return device;
    }
}
