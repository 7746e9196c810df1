using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Server.Tests.Legacy;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Locks;

/// <summary>How a lock that was registered as unsigned becomes one like all others, and that nothing goes the other way.</summary>
public sealed class EndUnsignedTests
{
    private const string Unsigned = "--Devices:AllowUnsigned=true";
    private const string DeviceId = "device-1";

    [Fact]
    public async Task With_a_new_key_an_unsigned_lock_becomes_one_that_goes_by_signatures()
    {
        await using var app = await TestApp.StartAsync(Unsigned);
        var owner = await app.OwnerAsync();
        var registered = await RegisterUnsignedAsync(owner);
        var old = registered.GetProperty("mqtt");
        await using var sketch = await Sketch.StartAsync(app, DeviceId, old.Text("username"), old.Text("password"));
        await Eventually.TrueAsync(async () => (await ReadAsync(owner)).Text("state") == "Available", "it was reported");
        await SayAsync(app, "Locked");
        (await StatusAsync(owner)).ShouldBe("Locked", "until then anybody's word goes");

        using var answer = await owner.RotateKeyAsync(DeviceId, unsigned: false);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var signed = await answer.JsonAsync();
        signed.GetProperty("unsigned").GetBoolean().ShouldBeFalse();
        signed.Text("key").ShouldNotBe(registered.Text("key"));
        app.Services.GetRequiredService<MqttBroker>().IsConnected(DeviceId).ShouldBeFalse();
        await SayAsync(app, "Unlocked");
        (await StatusAsync(owner)).ShouldBe("Locked", "it is not signed");

        await using var door = Door.WithKey(owner, Door.BrokerOf(app), DeviceId, signed.Text("key"));
        await door.SwitchOnAsync();
        using var unlocked = await door.UnlockAsync();
        unlocked.StatusCode.ShouldBe(HttpStatusCode.OK, "the command was signed");
        (await door.LogAsync()).Select(e => e.Text("result")).ShouldContain("rotated: signed");
        sketch.Commands.ShouldBe(0);
    }

    [Fact]
    public async Task Its_own_logins_retained_statuses_are_refused_from_then_on_and_its_others_believed()
    {
        await using var app = await TestApp.StartAsync(Unsigned);
        var owner = await app.OwnerAsync();
        await RegisterUnsignedAsync(owner);
        var signed = await (await owner.RotateKeyAsync(DeviceId, unsigned: false)).JsonAsync();
        await using var device = new TestMqttClient(
            Door.BrokerOf(app).Port,
            o => o.WithClientId(DeviceId).WithCredentials(DeviceId, signed.GetProperty("mqtt").Text("password")));
        await device.ConnectAsync();

        (await PublishAsync(device, "Unlocked", retain: true)).ShouldBe(MqttReasonCode.NotAuthorized);
        (await PublishAsync(device, "Locked", retain: false)).ShouldBe(MqttReasonCode.Success);

        await FlushAsync(app);
        (await StatusAsync(owner)).ShouldBe("Locked");
        app.Services.GetRequiredService<MqttBroker>().GetStatistics().RetainedMessages.ShouldBe(0);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("{}")]
    [InlineData("""{"unsigned":null}""")]
    public async Task A_new_key_alone_leaves_it_unsigned(string? body)
    {
        await using var app = await TestApp.StartAsync(Unsigned);
        var owner = await app.OwnerAsync();
        await RegisterUnsignedAsync(owner);

        using var answer = body is null ? await owner.RotateKeyAsync(DeviceId) : await owner.Http.PostTextAsync($"/api/locks/{DeviceId}/rotate-key", body);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.JsonAsync()).GetProperty("unsigned").GetBoolean().ShouldBeTrue();
        await SayAsync(app, "Locked");
        (await StatusAsync(owner)).ShouldBe("Locked");
    }

    [Fact]
    public async Task Only_a_registration_makes_a_lock_unsigned()
    {
        await using var app = await TestApp.StartAsync(Unsigned);
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);

        using var answer = await owner.RotateKeyAsync(door.DeviceId, unsigned: true);

        await answer.ShouldBeInvalidAsync("unsigned");
        (await door.ReadAsync()).GetProperty("unsigned").GetBoolean().ShouldBeFalse();
        using var unlocked = await door.UnlockAsync();
        unlocked.StatusCode.ShouldBe(HttpStatusCode.OK, "it has its key still");
    }

    [Fact]
    public async Task It_is_the_owners_to_end()
    {
        await using var app = await TestApp.StartAsync(Unsigned);
        var (owner, sharer, stranger) = (await app.OwnerAsync(), await app.OwnerAsync(), await app.OwnerAsync());
        await RegisterUnsignedAsync(owner);
        await owner.ShareAsync(DeviceId, sharer.Username, "operator");

        using var known = await sharer.RotateKeyAsync(DeviceId, unsigned: false);
        using var foreign = await stranger.RotateKeyAsync(DeviceId, unsigned: false);

        await known.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "owner_only");
        await foreign.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        (await ReadAsync(owner)).GetProperty("unsigned").GetBoolean().ShouldBeTrue();
    }

    private static async Task<JsonElement> RegisterUnsignedAsync(SignedIn owner)
    {
        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = DeviceId, name = "Sketch", unsigned = true });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return await answer.JsonAsync();
    }

    /// <summary>As if another login, or somebody at an outside broker, said it.</summary>
    private static async Task SayAsync(TestApp app, string bolt)
    {
        await app.Services.GetRequiredService<DeviceCache>().FindAsync(DeviceId, default);
        app.Services.GetRequiredService<StatusIngest>().Accept(StatusOf(bolt), retained: false, login: null);
        await FlushAsync(app);
    }

    private static Task<MqttReasonCode> PublishAsync(TestMqttClient device, string bolt, bool retain) =>
        device.PublishAsync("smartlock/status", StatusOf(bolt), MqttQoS.AtLeastOnce, retain);

    private static byte[] StatusOf(string bolt) => Encoding.UTF8.GetBytes($$"""{"device_id":"{{DeviceId}}","status":"{{bolt}}"}""");

    private static Task FlushAsync(TestApp app) => app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);

    private static Task<JsonElement> ReadAsync(SignedIn owner) => owner.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{DeviceId}");

    private static async Task<string> StatusAsync(SignedIn owner) => (await ReadAsync(owner)).Text("status");
}
