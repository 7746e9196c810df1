using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using SmartLock.Mqtt;
using SmartLock.Server.Messaging;
using SmartLock.Server.Tests.Attacks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>The server is killed in the midst of publishing: what it acknowledged reaches the subscriber whose session lasts.</summary>
public sealed class SessionKillTests(ITestOutputHelper output) : IDisposable
{
    // Less than may wait for one session.
    private const int Messages = 900;
    private const int Rounds = 4;
    private const string DeviceId = "ESP32-7C9EBD";

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-kill-").FullName;
    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://127.0.0.1:{FreePort.Next()}"), Timeout = TimeSpan.FromSeconds(30) };
    private readonly IPEndPoint _broker = new(IPAddress.Loopback, FreePort.Next());

    public void Dispose()
    {
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(MqttPersistence.Database, MqttQoS.AtLeastOnce)]
    [InlineData(MqttPersistence.Database, MqttQoS.ExactlyOnce)]
    [InlineData(MqttPersistence.File, MqttQoS.AtLeastOnce)]
    [InlineData(MqttPersistence.File, MqttQoS.ExactlyOnce)]
    internal async Task Nothing_acknowledged_is_lost_and_nothing_of_QoS_2_comes_twice(MqttPersistence persistence, MqttQoS qos)
    {
        string[] settings = [.. Observer.Settings, $"--Mqtt:Persistence={persistence}"];
        var server = await ServerProcess.StartAsync(_http, _folder, _broker.Port, settings);
        try
        {
            await using var publisher = new RecordingPublisher(_broker, DeviceId, await PasswordAsync());
            await using var subscriber = new RecordingSubscriber(_broker, Observer.Name, Observer.Password);
            await publisher.ConnectAsync(isNew: true);
            await subscriber.ConnectAsync(isNew: true);
            await subscriber.SubscribeAsync();
            for (var round = 0; round < Rounds; round++)
            {
                var isListening = round % 2 == 1;
                await PublishUntilKilledAsync(server, publisher, isListening ? subscriber : null, qos, $"{round}/");
                await server.DisposeAsync();
                server = await ServerProcess.StartAsync(_http, _folder, _broker.Port, settings);
                await publisher.ConnectAsync(isNew: false);
                await publisher.FinishAsync(qos);
                await subscriber.ConnectAsync(isNew: false);
                await subscriber.TakeAsync(publisher.Sent.Count);
                await subscriber.ShouldHaveNothingNewAsync();

                var twice = subscriber.Taken.Count - publisher.Sent.Count;
                output.WriteLine($"round {round}: {publisher.Sent.Count} sent in all, {twice} taken twice");
                subscriber.Taken.Distinct().ShouldBe(publisher.Sent);
                if (qos == MqttQoS.ExactlyOnce)
                {
                    twice.ShouldBe(0);
                }
            }
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private async Task PublishUntilKilledAsync(ExternalProgram server, RecordingPublisher publisher, RecordingSubscriber? subscriber, MqttQoS qos, string prefix)
    {
        var at = RandomNumberGenerator.GetInt32(1, Messages - 100);
        var killing = Task.CompletedTask;
        var taking = subscriber?.TakeAsync(int.MaxValue) ?? Task.CompletedTask;
        var reached = 0;
        await publisher.PublishAsync(Messages, qos, prefix, acknowledged =>
        {
            reached = acknowledged;
            if (acknowledged == at && killing.IsCompleted)
            {
                killing = server.KillAsync();
            }
        });
        await killing;
        await taking;
        server.HasExited.ShouldBeTrue();
        output.WriteLine($"killed at {at}, when {reached} were acknowledged");
    }

    private async Task<string> PasswordAsync()
    {
        var credentials = new { username = "alice", password = TestApp.Password };
        using var registered = await _http.PostAsJsonAsync("/api/auth/register", credentials);
        using var login = await _http.PostAsJsonAsync("/api/auth/login", credentials);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await login.JsonAsync()).GetProperty("access_token").GetString());
        using var answer = await _http.PostAsJsonAsync("/api/locks", new { device_id = DeviceId, name = "Door" });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        var key = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        return Signatures.MqttPassword(Convert.FromHexString(key), DeviceId);
    }
}
