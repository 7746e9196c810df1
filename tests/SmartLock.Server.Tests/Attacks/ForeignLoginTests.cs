using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>On the embedded broker a login speaks for its own device only, also where the lock that is spoken of signs nothing.</summary>
public sealed class ForeignLoginTests
{
    private const string UnsignedId = "SKETCH-1";
    private const string MalloryId = "ESP32-MALLORY";

    [Fact]
    public async Task Another_accounts_device_login_cannot_report_for_an_unsigned_lock()
    {
        await using var app = await TestApp.StartAsync("--Devices:AllowUnsigned=true");
        var (owner, mallory) = (await app.OwnerAsync("alice"), await app.OwnerAsync("mallory"));
        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = UnsignedId, name = "Sketch", unsigned = true });
        var login = (await answer.JsonAsync()).GetProperty("mqtt");
        await using var own = Login.Client(app, login.GetProperty("username").GetString(), login.GetProperty("password").GetString());
        await own.ConnectAsync();
        await SayAsync(app, own, $$"""{"device_id":"{{UnsignedId}}","status":"Unlocked"}""");
        (await ReadAsync(owner)).ShouldBe(("Available", "Unlocked"));
        using var asked = await owner.Http.PostAsJsonAsync("/api/lock", new { device_id = UnsignedId });
        asked.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var commandId = (await asked.JsonAsync()).GetProperty("command_id").GetString();
        await using var mallorys = await Door.NewAsync(mallory, Door.BrokerOf(app), MalloryId);
        await using var foreign = Login.Client(app, MalloryId, Signatures.MqttPassword(mallorys.Key, MalloryId));
        await foreign.ConnectAsync();

        await SayAsync(app, foreign, $$"""{"device_id":"{{UnsignedId}}","status":"Locked"}""");
        await SayAsync(app, foreign, $$"""{"device":"{{UnsignedId}}","status":"Online","state":"Locked"}""");
        await SayAsync(app, foreign, $$"""{"device_id":"{{UnsignedId}}","status":"Locked","command_id":"{{commandId}}","result":"done"}""");
        await SayAsync(app, foreign, $$"""{"device_id":"{{UnsignedId}}","state":"Unavailable"}""");

        (await ReadAsync(owner)).ShouldBe(("Available", "Unlocked"));
        var command = await owner.Http.GetFromJsonAsync<JsonElement>($"/api/commands/{commandId}");
        command.GetProperty("state").GetString().ShouldBe("sent");
        await SayAsync(app, own, $$"""{"device_id":"{{UnsignedId}}","status":"Locked"}""");
        (await ReadAsync(owner)).ShouldBe(("Available", "Locked"), "its own login is believed");
    }

    private static async Task SayAsync(TestApp app, TestMqttClient client, string status)
    {
        await client.PublishAsync(Topics.Status, Encoding.UTF8.GetBytes(status), Mqtt.MqttQoS.AtLeastOnce);
        await app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);
    }

    private static async Task<(string?, string?)> ReadAsync(SignedIn owner)
    {
        var read = await owner.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{UnsignedId}");
        return (read.GetProperty("state").GetString(), read.GetProperty("status").GetString());
    }
}
