using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>The embedded broker and the device protocol as mosquitto's own command line clients meet them.</summary>
public sealed class StockClientTests
{
    private const string ObserverPassword = "look but do not touch";

    [Theory]
    [InlineData(StockClient.V311, 0)]
    [InlineData(StockClient.V311, 1)]
    [InlineData(StockClient.V5, 0)]
    [InlineData(StockClient.V5, 1)]
    public async Task A_heartbeat_of_two_members_makes_a_lock_available(string version, int qos)
    {
        await using var app = await TestApp.StartAsync();
        var device = await PlainDevice.RegisterAsync(app, await app.OwnerAsync(), "ESP32-STOCK");

        var (exitCode, output) = await device.Client.PublishAsync("smartlock/status", device.Heartbeat("Locked"), version, qos);

        exitCode.ShouldBe(0, output);
        await device.IsAsync("Available", "Locked");
    }

    [Theory]
    [InlineData(StockClient.V311)]
    [InlineData(StockClient.V5)]
    public async Task A_subscriber_with_the_devices_login_is_handed_a_signed_command(string version)
    {
        await using var app = await TestApp.StartAsync();
        var device = await PlainDevice.RegisterAsync(app, await app.OwnerAsync(), "ESP32-STOCK");
        await device.ReportAsync("Locked");
        await using var subscriber = await device.Client.SubscribeAsync("smartlock/commands", version);

        using var answer = await device.UnlockAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var command = await CommandAsync(subscriber);
        var asked = await answer.JsonAsync();
        command.EnumerateObject().Select(m => m.Name).ShouldBe(["device_id", "command", "command_id", "issued_at", "expires_at", "signature"]);
        command.GetProperty("command_id").GetString().ShouldBe(asked.GetProperty("command_id").GetString());
        command.GetProperty("command").GetString().ShouldBe("UNLOCK");
        command.GetProperty("expires_at").GetInt64().ShouldBe(command.GetProperty("issued_at").GetInt64() + 10_000);
        command.GetProperty("signature").GetString().ShouldBe(device.SignatureOf(command));
    }

    [Fact]
    public async Task A_named_observer_sees_commands_and_statuses_and_can_say_nothing()
    {
        await using var app = await TestApp.StartAsync("--Mqtt:Observers:0:Name=watch", $"--Mqtt:Observers:0:Password={ObserverPassword}");
        var device = await PlainDevice.RegisterAsync(app, await app.OwnerAsync(), "ESP32-STOCK");
        var observer = new StockClient(Door.BrokerOf(app), "watch", ObserverPassword);
        await using var present = await device.Client.SubscribeAsync("smartlock/commands");
        await using var watching = await observer.SubscribeAsync("smartlock/#", StockClient.V311, "-v");

        await device.ReportAsync("Locked");
        using var answer = await device.UnlockAsync();

        await watching.LineAsync(l => l == $"smartlock/status {device.Heartbeat("Locked")}", "the status");
        await watching.LineAsync(l => l.StartsWith("""smartlock/commands {"device_id":"ESP32-STOCK",""", StringComparison.Ordinal), "the command");
        await observer.PublishAsync("smartlock/status", device.Heartbeat("Unlocked"));
        await FenceAsync(app);
        await device.IsAsync("Available", "Locked");
    }

    [Theory]
    [InlineData(StockClient.V311)]
    [InlineData(StockClient.V5)]
    public async Task A_wrong_password_is_refused(string version)
    {
        await using var app = await TestApp.StartAsync();
        var device = await PlainDevice.RegisterAsync(app, await app.OwnerAsync(), "ESP32-STOCK");
        var impostor = device.Client with { Password = new string('0', 64) };

        var (exitCode, output) = await impostor.PublishAsync("smartlock/status", device.Heartbeat("Locked"), version);

        exitCode.ShouldNotBe(0);
        output.ShouldMatch("(?i)not authori[sz]ed|bad user ?name or password");
        await device.IsAsync("Unavailable", "Unknown");
    }

    [Fact]
    public async Task Another_devices_login_neither_sees_nor_says_anything_in_its_name()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var device = await PlainDevice.RegisterAsync(app, owner, "ESP32-STOCK");
        var other = await PlainDevice.RegisterAsync(app, owner, "ESP32-OTHER");
        await device.ReportAsync("Locked");
        await other.ReportAsync("Locked");
        await using var present = await device.Client.SubscribeAsync("smartlock/commands");
        await using var onShared = await other.Client.SubscribeAsync("smartlock/commands");
        await using var onForeign = await other.Client.SubscribeAsync("smartlock/commands/ESP32-STOCK", StockClient.V5);
        await using var onAll = await other.Client.SubscribeAsync("#");

        (await device.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await other.Client.PublishAsync("smartlock/status", device.Heartbeat("Unlocked"));
        await other.Client.PublishAsync("smartlock/status/ESP32-STOCK", device.Heartbeat("Unlocked"));
        (await other.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.Accepted);

        (await CommandAsync(onShared)).GetProperty("device_id").GetString().ShouldBe("ESP32-OTHER");
        await other.ReportAsync("Unlocked");
        new[] { onShared, onForeign, onAll }.ShouldAllBe(s => !s.Output.Contains("\"ESP32-STOCK\"", StringComparison.Ordinal));
        await device.IsAsync("Available", "Locked");
    }

    [Fact]
    public async Task A_stock_clients_will_makes_its_lock_unavailable_when_it_is_killed()
    {
        await using var app = await TestApp.StartAsync();
        var device = await PlainDevice.RegisterAsync(app, await app.OwnerAsync(), "ESP32-STOCK");
        // First: with both of the others it would be a third session, and a device has two.
        await device.Client.PublishAsync("smartlock/status", """{"device_id":"ESP32-STOCK","status":"Locked","connected_at":1700000005000}""");
        await device.IsAsync("Available", "Locked");
        await using var old = await SubscribeWithWillAsync(device, connectedAt: 1_700_000_000_000);
        await using var present = await SubscribeWithWillAsync(device, connectedAt: 1_700_000_005_000);

        await old.KillAsync();
        await device.ReportAsync("Unlocked");
        await FenceAsync(app);
        await device.IsAsync("Available", "Unlocked");

        await present.KillAsync();
        await device.IsAsync("Unavailable", "Unlocked");
        (await device.ReadAsync()).GetProperty("issue").GetString().ShouldBe("Connection lost");
    }

    [Fact]
    public async Task The_first_sketchs_own_words_are_understood_where_unsigned_locks_are_allowed()
    {
        await using var app = await TestApp.StartAsync("--Devices:AllowUnsigned=true");
        var device = await PlainDevice.RegisterAsync(app, await app.OwnerAsync(), "device-1", unsigned: true);
        await using var subscriber = await device.Client.SubscribeAsync("smartlock/commands");

        await device.Client.PublishAsync("smartlock/status", """{"device":"device-1","status":"Online","state":"Locked"}""", qos: 0);
        await device.IsAsync("Available", "Locked");
        using var answer = await device.UnlockAsync();

        var command = await CommandAsync(subscriber);
        command.GetProperty("device").GetString().ShouldBe("device-1");
        command.GetProperty("command").GetString().ShouldBe("UNLOCK");
        await device.Client.PublishAsync("smartlock/status", """{"device":"device-1","status":"Online","state":"Unlocked"}""", qos: 0);
        await device.IsAsync("Available", "Unlocked");
    }

    private static Task<ExternalProgram> SubscribeWithWillAsync(PlainDevice device, long connectedAt) => device.Client.SubscribeAsync(
        "smartlock/commands",
        StockClient.V311,
        "--will-topic",
        "smartlock/status",
        "--will-payload",
        $$"""{"device_id":"{{device.DeviceId}}","state":"Unavailable","connected_at":{{connectedAt}}}""");

    /// <summary>What the broker was told before this has been reported once this has: statuses are taken in order.</summary>
    private static async Task FenceAsync(TestApp app)
    {
        var fence = await PlainDevice.RegisterAsync(app, await app.OwnerAsync(), "ESP32-FENCE");
        await fence.ReportAsync("Locked");
    }

    private static async Task<JsonElement> CommandAsync(ExternalProgram subscriber)
    {
        await subscriber.LineAsync(l => l.StartsWith('{'), "a command");
        return JsonDocument.Parse(subscriber.Lines.First(l => l.StartsWith('{'))).RootElement;
    }

    /// <summary>A registered lock whose device is whatever the test makes it.</summary>
    private sealed record PlainDevice(SignedIn Owner, string DeviceId, string KeyHex, StockClient Client)
    {
        public static async Task<PlainDevice> RegisterAsync(TestApp app, SignedIn owner, string deviceId, bool unsigned = false)
        {
            using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = deviceId, unsigned });
            answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
            var registered = await answer.JsonAsync();
            var login = registered.GetProperty("mqtt");
            return new PlainDevice(
                owner,
                deviceId,
                registered.GetProperty("key").GetString()!,
                new StockClient(Door.BrokerOf(app), login.GetProperty("username").GetString()!, login.GetProperty("password").GetString()!));
        }

        public string Heartbeat(string status) => $$"""{"device_id":"{{DeviceId}}","status":"{{status}}"}""";

        /// <summary>Sent, and stored.</summary>
        public async Task ReportAsync(string status)
        {
            var (exitCode, output) = await Client.PublishAsync("smartlock/status", Heartbeat(status));
            exitCode.ShouldBe(0, output);
            await IsAsync("Available", status);
        }

        public Task<HttpResponseMessage> UnlockAsync() => Owner.Http.PostAsJsonAsync("/api/unlock", new { device_id = DeviceId });

        public Task<JsonElement> ReadAsync() => Owner.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{DeviceId}");

        public Task IsAsync(string state, string status) => Eventually.TrueAsync(
            async () =>
            {
                var read = await ReadAsync();
                return read.GetProperty("state").GetString() == state && read.GetProperty("status").GetString() == status;
            },
            $"{DeviceId} is {state} and {status}");

        /// <summary>Made here once more.</summary>
        public string SignatureOf(JsonElement command)
        {
            var signed = "v2|cmd|" + command.GetRawText().Split(",\"signature\":")[0];
            return Convert.ToHexStringLower(HMACSHA256.HashData(Convert.FromHexString(KeyHex), Encoding.ASCII.GetBytes(signed)));
        }
    }
}
