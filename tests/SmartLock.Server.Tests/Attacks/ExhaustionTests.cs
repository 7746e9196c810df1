using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.Server.Tests.MainJob;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>Strangers who take all there is of what everybody shares: descriptors, connections, sessions, the log.</summary>
public sealed class ExhaustionTests
{
    private const int Descriptors = 1500;
    private const int IdleOfEach = 1500;

    [Fact]
    public async Task With_twice_as_many_idle_connections_as_descriptors_a_person_and_a_device_get_in()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The limit of descriptors is read on Linux only.");
        Assert.SkipUnless((DescriptorLimit.Read() ?? long.MaxValue) > (2 * IdleOfEach) + 500, "This process may not open enough files itself: ulimit -n.");
        var folder = Directory.CreateTempSubdirectory("smartlock-full-").FullName;
        var (httpPort, mqttPort) = (FreePort.Next(), FreePort.Next());
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{httpPort}") };
        try
        {
            await using var server = await ServerProcess.StartAsync(http, folder, mqttPort, Descriptors);
            var owner = await RegisterAsync(http);
            await using var door = await Door.NewAsync(owner, new IPEndPoint(IPAddress.Loopback, mqttPort), "ESP32-7C9EBD");
            var sockets = new ConcurrentBag<Socket>();
            try
            {
                await Task.WhenAll(FillAsync(httpPort, sockets, "G"u8.ToArray()), FillAsync(mqttPort, sockets, [0x10]));
                server.HasExited.ShouldBeFalse(server.Output);

                // The owner comes from elsewhere: nothing that was open before is used.
                using var fresh = new HttpClient { BaseAddress = http.BaseAddress };
                var signedIn = await SignInAsync(fresh);
                await door.SwitchOnAsync();
                using var unlock = new HttpRequestMessage(HttpMethod.Post, "/api/unlock") { Content = JsonContent.Create(new { device_id = door.DeviceId }) };
                unlock.Headers.Add("Prefer", "wait=10");
                using var answer = await signedIn.Http.SendAsync(unlock);

                answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
                server.HasExited.ShouldBeFalse(server.Output);
                server.Output.ShouldNotContain("Too many open files");
            }
            finally
            {
                foreach (var socket in sockets)
                {
                    socket.Dispose();
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(13, 8)]
    [InlineData(60, 2)]
    public async Task One_strangers_locks_do_not_keep_another_owners_device_out(int locks, int connectionsOfEach)
    {
        await using var app = await TestApp.StartAsync("--Mqtt:MaxConnections=100");
        var stranger = await app.OwnerAsync();
        var clients = new List<TestMqttClient>();
        try
        {
            var refused = 0;
            for (var i = 0; i < locks; i++)
            {
                await using var own = await Door.NewAsync(stranger, Door.BrokerOf(app), $"STRANGER-{i}");
                for (var connection = 0; connection < connectionsOfEach; connection++)
                {
                    var client = Login.Client(app, own.DeviceId, Signatures.MqttPassword(own.Key, own.DeviceId));
                    clients.Add(client);
                    var answer = await client.TryConnectAsync();
                    answer.ShouldBeOneOf(MqttReasonCode.Success, MqttReasonCode.QuotaExceeded);
                    refused += answer == MqttReasonCode.QuotaExceeded ? 1 : 0;
                }
            }

            refused.ShouldBeGreaterThan(0, "who is refused is told why");
            await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
            using var unlocked = await door.UnlockAsync();

            unlocked.StatusCode.ShouldBe(HttpStatusCode.OK);
            app.Services.GetRequiredService<MqttBroker>().GetStatistics().Connections.ShouldBeLessThanOrEqualTo(100);
        }
        finally
        {
            foreach (var client in clients)
            {
                await client.DisposeAsync();
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task Refused_commands_of_strangers_do_not_fill_an_owners_log(int accounts)
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.NewAsync(await app.OwnerAsync(), Door.BrokerOf(app), "ESP32-7C9EBD");
        var strangers = new List<SignedIn>();
        for (var i = 0; i < accounts; i++)
        {
            strangers.Add(await app.OwnerAsync());
        }

        for (var i = 0; i < 60; i++)
        {
            using var answer = await door.UnlockAsAsync(strangers[i % accounts]);
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        var entries = (await door.LogAsync()).Count(e => e.GetProperty("result").GetString() == "refused: not found");
        entries.ShouldBeInRange(Locks.RefusalRecordsTests.Free, Locks.RefusalRecordsTests.Free + 6, "one more with each doubled wait");
    }

    /// <summary>All at once, over and over: those that are pushed out are replaced.</summary>
    private static async Task FillAsync(int port, ConcurrentBag<Socket> sockets, byte[] begun)
    {
        await Parallel.ForAsync(0, IdleOfEach, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, ct) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port, ct);
                if (i % 2 == 0)
                {
                    await socket.SendAsync(begun, ct);
                }
            }
            catch (SocketException)
            {
                // It was sent away at once, as some must be.
                return;
            }
        });
    }

    private static async Task<SignedIn> RegisterAsync(HttpClient http)
    {
        using var answer = await http.PostAsJsonAsync("/api/auth/register", new { username = "ada", password = TestApp.Password });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return await SignInAsync(http);
    }

    private static async Task<SignedIn> SignInAsync(HttpClient http)
    {
        using var answer = await http.PostAsJsonAsync("/api/auth/login", new { username = "ada", password = TestApp.Password });
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var token = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString()!;
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return new SignedIn("ada", token, http);
    }
}
