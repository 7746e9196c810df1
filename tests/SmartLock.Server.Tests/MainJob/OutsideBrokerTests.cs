using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SmartLock.Device;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>The server as a client of a stock mosquitto that anybody may use: only signatures count there.</summary>
public sealed partial class OutsideBrokerTests
{
    private const int V311 = 4;
    private const int V5 = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task An_unlock_goes_through_it_and_the_verdict_comes_back(int version)
    {
        await using var broker = await StartBrokerAsync();
        await using var app = await StartAppAsync(broker, version);
        await using var door = await OpenAsync(broker, await app.OwnerAsync(), "ESP32-A");

        using var answer = await door.UnlockAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        door.Device.BoltMovements.ShouldBe(1);
        (await door.ReadAsync()).GetProperty("status").GetString().ShouldBe("Unlocked");
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task Nobody_is_believed_who_cannot_sign(int version)
    {
        await using var broker = await StartBrokerAsync();
        await using var app = await StartAppAsync(broker, version);
        var owner = await app.OwnerAsync();
        await using var door = await OpenAsync(broker, owner, "ESP32-A");
        await using var fence = await OpenAsync(broker, owner, "ESP32-FENCE");
        await using var anyone = await Anyone.ConnectAsync(broker);
        door.Device.Faults.Silent = true;
        using var pending = await door.UnlockAsync(wait: null);
        var id = (await pending.JsonAsync()).GetProperty("command_id").GetString()!;
        var signed = Forger.StatusOf(door, "Unlocked", "forged", id, "done");

        foreach (var topic in (string[])["smartlock/status", "smartlock/status/ESP32-A", "smartlock/status/ESP32-FENCE"])
        {
            await anyone.PublishAsync(topic, """{"device_id":"ESP32-A","status":"Unlocked","issue":"forged"}""");
            await anyone.PublishAsync(topic, """{"device_id":"ESP32-A","state":"Unavailable","issue":"Connection lost","connected_at":0}""");
            await anyone.PublishAsync(topic, $$"""{"device_id":"ESP32-A","status":"Unlocked","issue":"forged","command_id":"{{id}}","result":"done"}""");
            await anyone.PublishAsync(topic, signed.Replace("\"done\"", "\"jammed\"", StringComparison.Ordinal));
            await anyone.PublishAsync(topic, signed.Replace("ESP32-A", "ESP32-FENCE", StringComparison.Ordinal));
        }

        (await fence.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        await ShouldBeAsync(door, "Available", "Locked");
        (await owner.Http.GetFromJsonAsync<JsonElement>(pending.Headers.Location)).GetProperty("state").GetString().ShouldBe("sent");

        // The same words, rightly signed, are believed: it was the signature that was missing.
        await anyone.PublishAsync("smartlock/status", signed);
        await door.UntilAsync("issue", "forged");
        (await owner.Http.GetFromJsonAsync<JsonElement>(pending.Headers.Location)).GetProperty("state").GetString().ShouldBe("done");
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_status_that_was_received_once_is_not_believed_again(int version)
    {
        await using var broker = await StartBrokerAsync();
        await using var app = await StartAppAsync(broker, version);
        var owner = await app.OwnerAsync();
        await using var anyone = await Anyone.ConnectAsync(broker, "smartlock/#");
        await using var door = await OpenAsync(broker, owner, "ESP32-A");
        await using var fence = await OpenAsync(broker, owner, "ESP32-FENCE");
        var genuine = await anyone.NextAsync("smartlock/status/ESP32-A");
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        var command = await anyone.NextAsync("smartlock/commands/ESP32-A");
        door.Device.Faults.Silent = true;

        await anyone.PublishAsync("smartlock/status/ESP32-A", genuine);
        await anyone.PublishAsync("smartlock/status", genuine);
        await anyone.PublishAsync("smartlock/commands", command);
        await anyone.PublishAsync("smartlock/commands/ESP32-A", command);

        (await fence.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        await ShouldBeAsync(door, "Available", "Unlocked");
        await Eventually.TrueAsync(
            () => door.Device.RefusalsOf(Refusal.Repeated) + door.Device.RefusalsOf(Refusal.Replayed) == 2,
            "the device refused the command twice");
        door.Device.BoltMovements.ShouldBe(1);
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task What_a_broker_retained_moves_nothing_and_says_nothing(int version)
    {
        await using var broker = await StartBrokerAsync();
        await using var anyone = await Anyone.ConnectAsync(broker);
        var folder = Directory.CreateTempSubdirectory("smartlock-test-");
        try
        {
            await using var first = await StartAppAsync(broker, version, folder.FullName);
            var owner = await first.OwnerAsync("alice");
            await using var door = await Door.NewAsync(owner, broker.EndPoint, "ESP32-A");
            await first.StopAsync();
            var genuine = Forger.StatusOf(door, "Unlocked", null, null, null);
            await anyone.PublishAsync("smartlock/status", genuine, retain: true);
            await anyone.PublishAsync("smartlock/status/ESP32-A", genuine, retain: true);
            await anyone.PublishAsync("smartlock/commands", Forger.CommandFor(door), retain: true);
            await anyone.PublishAsync("smartlock/commands/ESP32-A", Forger.CommandFor(door), retain: true);

            await using var second = await StartAppAsync(broker, version, folder.FullName);
            var alice = await second.SignInAsync("alice");
            await using var fence = await OpenAsync(broker, alice, "ESP32-FENCE");
            (await fence.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await alice.Http.GetStringAsync("/api/locks/ESP32-A")).ShouldContain("\"Unavailable\"");

            await door.Device.StartAsync().WaitAsync(Patience);
            await Eventually.TrueAsync(() => door.Device.RefusalsOf(Refusal.Retained) >= 2, "the device refused both");
            door.Device.BoltMovements.ShouldBe(0);

            // The same command, published in the present, moves it: that it was retained was all that was wrong with it.
            await anyone.PublishAsync("smartlock/commands/ESP32-A", Forger.CommandFor(door));
            await Eventually.TrueAsync(() => door.Device.BoltMovements == 1, "the device obeyed");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task The_will_of_a_device_that_lost_its_power_is_believed(int version)
    {
        await using var broker = await StartBrokerAsync();
        await using var app = await StartAppAsync(broker, version);
        await using var door = await OpenAsync(broker, await app.OwnerAsync(), "ESP32-A");

        door.Device.CutPower(TimeSpan.FromMinutes(10));

        await door.StateAsync("Unavailable");
        (await door.ReadAsync()).GetProperty("issue").GetString().ShouldBe("Connection lost");
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_broker_that_is_away_is_said_and_recorded_and_back_it_works_again(int version)
    {
        await using var broker = await StartBrokerAsync();
        await using var app = await StartAppAsync(broker, version);
        var owner = await app.OwnerAsync();
        await using var door = await OpenAsync(broker, owner, "ESP32-A");
        await ReadyAsync(app, HttpStatusCode.OK);

        await broker.KillAsync();
        await ReadyAsync(app, HttpStatusCode.ServiceUnavailable);
        using var refused = await door.UnlockAsync();
        var problem = await refused.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "device_unreachable");
        var id = problem.GetProperty("command").GetProperty("command_id").GetString();
        (await door.LogAsync())[0].GetProperty("command_id").GetString().ShouldBe(id);

        await broker.StartAsync();
        await ReadyAsync(app, HttpStatusCode.OK);
        await door.Device.WaitConnectedAsync().WaitAsync(Patience);
        await door.StateAsync("Available");
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        door.Device.BoltMovements.ShouldBe(1);
        door.Device.ExecutedCommandIds.ShouldNotContain(id, "what was refused is not sent later");
    }

    [Fact]
    public async Task Devices_are_not_called_silent_for_the_time_in_which_the_server_was_deaf()
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var broker = await StartBrokerAsync();

        // The clock leaps, and a ping within a leap would have no time for its answer.
        await using var app = await StartAppAsync(broker, V5, clock: clock, configure: Settings(("Mqtt:KeepAlive", "00:01:00")));
        await ReadyAsync(app, HttpStatusCode.OK);
        await using var door = await Door.NewAsync(await app.OwnerAsync(), broker.EndPoint, "ESP32-A", o => Quick(o) with { Time = clock, KeepAlive = TimeSpan.Zero });
        await door.Device.StartAsync().WaitAsync(Patience);
        await StoredAsync(app, door, clock.GetUtcNow());
        var sweep = app.Services.GetRequiredService<OfflineSweep>();

        await broker.KillAsync();
        await ReadyAsync(app, HttpStatusCode.ServiceUnavailable);
        clock.Advance(TimeSpan.FromMinutes(1));
        (await sweep.RunAsync(default)).ShouldBe(0, "the server hears nobody");

        await broker.StartAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(250));
                return await IsReadyAsync(app, HttpStatusCode.OK);
            },
            "the server found its broker again");
        (await sweep.RunAsync(default)).ShouldBe(0, "it has only just begun to listen again");
        await ShouldBeAsync(door, "Available", "Locked");

        // In steps, not in leaps: an answer of the broker that is under way when the clock leaps comes too late for the device.
        var grace = clock.GetUtcNow() + app.Services.GetRequiredService<IOptions<DeviceOptions>>().Value.OfflineAfter;
        await Eventually.TrueAsync(
            async () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(250));
                return clock.GetUtcNow() > grace && await HasReportedAsync(app, door, clock.GetUtcNow() - TimeSpan.FromSeconds(10));
            },
            "the device found the broker too and is reported, after the time for which nobody is called silent");
        (await sweep.RunAsync(default)).ShouldBe(0, "it has been reported");

        door.Device.Faults.Silent = true;
        await Eventually.TrueAsync(
            async () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return await sweep.RunAsync(default) == 1;
            },
            "now it is the device that is silent");
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task The_server_starts_without_its_broker_and_finds_it_later(int version)
    {
        await using var broker = await PrepareBrokerAsync();
        await using var app = await StartAppAsync(broker, version);
        await ReadyAsync(app, HttpStatusCode.ServiceUnavailable);

        await broker.StartAsync();
        await ReadyAsync(app, HttpStatusCode.OK);

        await using var door = await OpenAsync(broker, await app.OwnerAsync(), "ESP32-A");
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_broker_that_forbids_the_server_to_listen_leaves_it_unready()
    {
        // mosquitto grants every subscription and hands nothing over; another server's own broker refuses as most others do.
        await using var broker = await TestApp.StartAsync();
        await using var device = await Door.NewAsync(await broker.OwnerAsync(), Door.BrokerOf(broker), "ESP32-A");
        await using var app = await TestApp.StartAsync(
            null,
            Settings(
                ("Mqtt:Port", Number(Door.BrokerOf(broker).Port)),
                ("Mqtt:UserName", "ESP32-A"),
                ("Mqtt:Password", Forger.Sign(device, "v1|mqtt|ESP32-A"))),
            null,
            "--Mqtt:Mode=External",
            "--Mqtt:Host=127.0.0.1");

        await Eventually.TrueAsync(
            () => app.Logs.All.Any(l => l.Text.Contains("refuses the subscription", StringComparison.Ordinal)),
            "the server says why");

        (await IsReadyAsync(app, HttpStatusCode.ServiceUnavailable)).ShouldBeTrue();
    }

    [Fact]
    public async Task Over_tls_the_server_trusts_the_named_authority_and_gives_its_password()
    {
        await using var broker = await StartBrokerAsync();
        await using var app = await StartAppAsync(broker, V5, configure: Settings(
            ("Mqtt:Port", Number(broker.TlsPort)),
            ("Mqtt:Tls", "true"),
            ("Mqtt:CaFile", broker.CertificateAuthorityFile),
            ("Mqtt:UserName", Mosquitto.UserName),
            ("Mqtt:Password", Mosquitto.Password)));
        await ReadyAsync(app, HttpStatusCode.OK);
        await using var door = await OpenAsync(broker, await app.OwnerAsync(), "ESP32-A");

        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        app.Logs.All.ShouldAllBe(l => !l.Text.Contains(Mosquitto.Password, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, "not the password")]
    [InlineData(false, Mosquitto.Password)]
    public async Task Over_tls_a_wrong_password_or_an_unknown_authority_leaves_it_unready(bool isTrusted, string password)
    {
        await using var broker = await StartBrokerAsync();
        await using var app = await StartAppAsync(broker, V5, configure: Settings(
            ("Mqtt:Port", Number(broker.TlsPort)),
            ("Mqtt:Tls", "true"),
            ("Mqtt:CaFile", isTrusted ? broker.CertificateAuthorityFile : null),
            ("Mqtt:UserName", Mosquitto.UserName),
            ("Mqtt:Password", password)));

        await Eventually.TrueAsync(
            () => app.Logs.All.Any(l => l.Text.StartsWith("Cannot connect to the broker", StringComparison.Ordinal)),
            "the server says that it cannot connect");

        (await IsReadyAsync(app, HttpStatusCode.ServiceUnavailable)).ShouldBeTrue();
        app.Logs.All.ShouldAllBe(l => !l.Text.Contains(password, StringComparison.Ordinal));
    }

    private static async Task<Mosquitto> PrepareBrokerAsync()
    {
        Assert.SkipWhen(Mosquitto.Executable is null, "mosquitto is not installed");
        return await Mosquitto.PrepareAsync();
    }

    private static async Task<Mosquitto> StartBrokerAsync()
    {
        var broker = await PrepareBrokerAsync();
        await broker.StartAsync();
        return broker;
    }

    private static Task<TestApp> StartAppAsync(
        Mosquitto broker,
        int version,
        string? folder = null,
        FakeClock? clock = null,
        Action<WebApplicationBuilder>? configure = null)
    {
        List<string> settings =
        [
            "--Mqtt:Mode=External",
            "--Mqtt:Host=127.0.0.1",
            $"--Mqtt:Port={broker.Port}",
            $"--Mqtt:ProtocolVersion={version}",
        ];
        if (folder is not null)
        {
            settings.Add($"--Data:Folder={folder}");
        }

        return TestApp.StartAsync(clock, configure, null, [.. settings]);
    }

    /// <summary>Not through arguments: a password has no business among them.</summary>
    private static Action<WebApplicationBuilder> Settings(params (string Name, string? Value)[] settings) => builder =>
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, s.Value)));

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static async Task<Door> OpenAsync(Mosquitto broker, SignedIn owner, string deviceId)
    {
        var door = await Door.NewAsync(owner, broker.EndPoint, deviceId, Quick);
        await door.SwitchOnAsync();
        return door;
    }

    private static VirtualLockOptions Quick(VirtualLockOptions options) => options with
    {
        ShortestReconnectWait = TimeSpan.FromMilliseconds(100),
        LongestReconnectWait = TimeSpan.FromMilliseconds(500),
    };

    private static Task ReadyAsync(TestApp app, HttpStatusCode expected) =>
        Eventually.TrueAsync(() => IsReadyAsync(app, expected), $"/health/ready answers {expected}");

    private static async Task<bool> IsReadyAsync(TestApp app, HttpStatusCode expected)
    {
        using var answer = await app.Http.GetAsync("/health/ready");
        return answer.StatusCode == expected;
    }

    private static Task StoredAsync(TestApp app, Door door, DateTimeOffset heardSince) =>
        Eventually.TrueAsync(() => HasReportedAsync(app, door, heardSince), $"{door.DeviceId} was reported");

    /// <summary>Where the clock stands still, the time for which heartbeats are coalesced never passes.</summary>
    private static async Task<bool> HasReportedAsync(TestApp app, Door door, DateTimeOffset since)
    {
        await app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);
        var read = await door.ReadAsync();
        return read.GetProperty("last_seen") is { ValueKind: JsonValueKind.String } seen && seen.GetDateTimeOffset() >= since.AddMilliseconds(-1);
    }

    private static async Task ShouldBeAsync(Door door, string state, string status)
    {
        var read = await door.ReadAsync();
        (read.GetProperty("state").GetString(), read.GetProperty("status").GetString()).ShouldBe((state, status), read.ToString());
    }
}
