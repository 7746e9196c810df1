using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>One owner's devices, as the servers know them.</summary>
internal static class ReplicaFleet
{
    private const int AtOnce = 4;

    /// <summary>Registered at all servers in turn, connected to the broker, and reported.</summary>
    public static async Task<VirtualFleet> StartAsync(IReadOnlyList<ReplicaServer> servers, Mosquitto broker, int devices)
    {
        var members = new (string, DeviceKey)[devices];
        await Parallel.ForAsync(
            0,
            devices,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
            async (i, _) => members[i] = await RegisterAsync(servers[i % servers.Count].Http, i));
        var fleet = new VirtualFleet(new VirtualFleetOptions
        {
            Members = members,
            Template = new VirtualLockOptions
            {
                DeviceId = "template",
                Key = members[0].Item2,
                Host = "127.0.0.1",
                Port = broker.Port,
                ShortestReconnectWait = TimeSpan.FromMilliseconds(200),
                LongestReconnectWait = TimeSpan.FromSeconds(2),
            },
        });
        try
        {
            await fleet.StartAsync().WaitAsync(TimeSpan.FromSeconds(120));
            await Until.TrueAsync(async () => await CountAsync(servers[1], "Available") == devices, TimeSpan.FromSeconds(120), "all devices are Available");
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>How many locks a server says are in that state.</summary>
    public static async Task<int> CountAsync(ReplicaServer server, string state)
    {
        var count = 0;
        var cursor = "";
        do
        {
            var page = await server.Http.GetFromJsonAsync<JsonElement>($"/api/locks?limit=100{cursor}");
            count += page.GetProperty("items").EnumerateArray().Count(l => l.GetProperty("state").GetString() == state);
            cursor = page.GetProperty("next").GetString() is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : "";
        }
        while (cursor.Length > 0);
        return count;
    }

    private static async Task<(string DeviceId, DeviceKey Key)> RegisterAsync(HttpClient http, int number)
    {
        var deviceId = $"ESP32-{number:D5}";
        using var made = await http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = $"Door {number}" });
        made.StatusCode.ShouldBe(HttpStatusCode.Created, await made.Content.ReadAsStringAsync());
        return (deviceId, DeviceKey.FromHex((await made.JsonAsync()).GetProperty("key").GetString()!));
    }
}
