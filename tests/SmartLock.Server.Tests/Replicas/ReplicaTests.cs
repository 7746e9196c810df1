using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Device;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Live;
using SmartLock.Server.Messaging;
using SmartLock.Server.Telemetry;
using SmartLock.Server.Tests.Live;
using SmartLock.Server.Tests.MainJob;
using SmartLock.Server.Tests.Telemetry;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>What one replica has stored, another knows.</summary>
public sealed class ReplicaTests
{
    [Fact]
    public async Task A_verdict_is_answered_at_once_where_it_is_waited_for_whichever_replica_received_it()
    {
        await using var replicas = await TwoReplicas.StartAsync();
        var owner = await replicas.First.OwnerAsync();
        await using var door = await replicas.OpenAsync(owner, "ESP32-A");
        var took = new List<TimeSpan>();
        for (var i = 0; i < 20; i++)
        {
            var began = TimeProvider.System.GetTimestamp();
            using var answer = i % 2 == 0 ? await door.UnlockAsync() : await door.LockAsync();
            answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
            took.Add(TimeProvider.System.GetElapsedTime(began));
        }

        HeardBy(replicas.First, "ESP32-A").ShouldBeTrue();
        HeardBy(replicas.Second, "ESP32-A").ShouldBeTrue("the test shows nothing when one hears all");

        // Asking the store once a second would take half a second for each that the other reported.
        took.Count(t => t < TimeSpan.FromMilliseconds(300)).ShouldBeGreaterThan(16, string.Join(' ', took.Select(t => (int)t.TotalMilliseconds)));
        var log = await door.LogAsync();
        log.Count(e => e.GetProperty("result").GetString() == "done").ShouldBe(20);
    }

    [Fact]
    public async Task A_verdict_whose_hint_is_lost_is_found_in_the_store()
    {
        await using var replicas = await TwoReplicas.StartAsync();
        var owner = await replicas.First.OwnerAsync();
        await using var door = await replicas.OpenAsync(owner, "ESP32-A");
        door.Device.Faults.Silent = true;
        var answer = door.UnlockAsync();
        var commandId = "";
        await Eventually.TrueAsync(
            async () =>
            {
                commandId = (await door.LogAsync())[0].GetProperty("command_id").GetString() ?? "";
                return commandId.Length > 0;
            },
            "the command is on the record");

        // Past both servers' memory and messages, as a third one would that cannot reach the broker.
        var devices = replicas.Second.Services.GetRequiredService<IDeviceStore>();
        var record = (await devices.FindAsync("ESP32-A", default))!;
        var verdict = new Server.Heartbeats.Verdict("ESP32-A", commandId, "done", TimeProvider.System.GetUtcNow(), record.KeyFrom);
        (await devices.ApplyAsync(new DeviceBatch([], [verdict], []), default)).Decided.Count.ShouldBe(1);

        (await answer.WaitAsync(TimeSpan.FromSeconds(8))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Listeners_everywhere_are_told_once_and_so_are_webhooks()
    {
        await using var replicas = await TwoReplicas.StartAsync("--Webhooks:AllowHttp=true", "--Webhooks:AllowPrivateNetworks=127.0.0.1/32");
        var owner = await replicas.First.OwnerAsync();
        await using var door = await replicas.OpenAsync(owner, "ESP32-A");
        using var made = await owner.Http.PostAsJsonAsync("/api/webhooks", new { url = "http://127.0.0.1:9/", events = (string[])["command"] });
        made.StatusCode.ShouldBe(HttpStatusCode.Created, await made.Content.ReadAsStringAsync());
        var webhook = (await made.JsonAsync()).GetProperty("webhook_id").GetString();
        await using var here = await EventStream.OpenAsync(owner);
        await using var there = await EventStream.OpenAsync(replicas.OnSecond(owner));

        using var answer = await door.UnlockAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        foreach (var stream in (EventStream[])[here, there])
        {
            var seen = await stream.UntilAsync(e => e.Kind == LiveEventKinds.Command && e.Data.GetProperty("state").GetString() == "done");
            seen.ShouldContain(e => e.Kind == LiveEventKinds.Lock && e.Data.GetProperty("status").GetString() == "Unlocked");
        }

        // A second command ends what the first one set going, wherever that went.
        (await door.LockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        await there.UntilAsync(e => e.Kind == LiveEventKinds.Command && e.Data.GetProperty("state").GetString() == "done");
        await Eventually.TrueAsync(async () => await DeliveriesAsync(owner, webhook!) >= 4, "sent and done of both commands are in the backlog");
        (await DeliveriesAsync(owner, webhook!)).ShouldBe(4);
    }

    [Fact]
    public async Task A_session_that_ends_at_one_ends_at_the_other()
    {
        await using var replicas = await TwoReplicas.StartAsync();
        var user = await replicas.First.OwnerAsync();
        var there = replicas.OnSecond(user);
        await using var stream = await EventStream.OpenAsync(there);
        (await there.Http.GetAsync("/api/me")).StatusCode.ShouldBe(HttpStatusCode.OK);
        var began = TimeProvider.System.GetTimestamp();

        using var changed = await user.Http.PostAsJsonAsync("/api/me/password", new { current_password = TestApp.Password, new_password = "another horse battery" });
        changed.IsSuccessStatusCode.ShouldBeTrue(await changed.Content.ReadAsStringAsync());
        await stream.EndedAsync();
        await Eventually.TrueAsync(async () => (await there.Http.GetAsync("/api/me")).StatusCode == HttpStatusCode.Unauthorized, "the session is over there too");

        // By itself it would have remembered the session for five seconds, and the stream for a minute.
        TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task A_new_key_is_known_to_both_at_once()
    {
        await using var replicas = await TwoReplicas.StartAsync();
        var owner = await replicas.First.OwnerAsync();
        await using var door = await replicas.OpenAsync(owner, "ESP32-A");
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await door.LockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);

        using var rotated = await owner.Http.PostAsync("/api/locks/ESP32-A/rotate-key", null);
        var key = (await rotated.JsonAsync()).GetProperty("key").GetString()!;
        door.Device.Provision(DeviceKey.FromHex(key), TimeSpan.Zero);
        await Eventually.TrueAsync(
            async () =>
            {
                using var answer = await door.UnlockAsync(wait: 2);
                return answer.StatusCode == HttpStatusCode.OK;
            },
            "the device is reported under its new key");

        for (var i = 0; i < 4; i++)
        {
            (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task What_one_replica_received_the_other_does_not_believe_again()
    {
        await using var replicas = await TwoReplicas.StartAsync();
        var owner = await replicas.First.OwnerAsync();
        await using var door = await replicas.OpenAsync(owner, "ESP32-A");
        await using var anyone = await Anyone.ConnectAsync(replicas.Broker, "smartlock/status/#");
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        var said = await anyone.NextAsync("smartlock/status/ESP32-A");
        (await door.LockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        await door.UntilAsync("status", "Locked");

        // An even number: each of the two hears some.
        for (var i = 0; i < 6; i++)
        {
            await anyone.PublishAsync("smartlock/status/ESP32-A", said);
        }

        (await door.LockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        await StoreAsync(replicas.First);
        await StoreAsync(replicas.Second);
        (await door.ReadAsync()).GetProperty("status").GetString().ShouldBe("Locked");
    }

    [Fact]
    public async Task Each_status_is_taken_by_one_of_them()
    {
        await using var replicas = await TwoReplicas.StartAsync();
        using var first = new Measured(replicas.First);
        using var second = new Measured(replicas.Second);
        await using var observer = await Anyone.ConnectAsync(replicas.Broker, "smartlock/status/#");
        var owner = await replicas.First.OwnerAsync();
        var doors = new List<Door>();
        for (var i = 0; i < 10; i++)
        {
            doors.Add(await replicas.OpenAsync(owner, $"ESP32-{i}"));
        }

        for (var i = 0; i < 5; i++)
        {
            foreach (var answer in await Task.WhenAll(doors.Select(d => i % 2 == 0 ? d.UnlockAsync() : d.LockAsync())))
            {
                answer.StatusCode.ShouldBe(HttpStatusCode.OK);
                answer.Dispose();
            }
        }

        // No more is said, but for a heartbeat now and then, which is counted on both sides in the end.
        await Eventually.TrueAsync(() => Believed(first) + Believed(second) == observer.Heard, "as many are believed as were sent");
        Believed(first).ShouldBeGreaterThan(10);
        Believed(second).ShouldBeGreaterThan(10);
        Statuses(first).ShouldBe(Believed(first));
        Statuses(second).ShouldBe(Believed(second));
        await Task.WhenAll(doors.Select(d => d.DisposeAsync().AsTask()));

        static double Believed(Measured measured) => measured.Sum(TelemetryNames.Statuses, (TelemetryNames.Result, "believed"));

        static double Statuses(Measured measured) => measured.Sum(TelemetryNames.Statuses);
    }

    [Fact]
    public async Task A_silent_device_is_flagged_by_one_of_them()
    {
        await using var replicas = await TwoReplicas.StartAsync("--Devices:OfflineAfter=00:00:12", "--Devices:SweepEvery=00:00:02");
        var owner = await replicas.First.OwnerAsync();
        await using var silent = await replicas.OpenAsync(owner, "ESP32-S");
        await using var alive = await replicas.OpenAsync(owner, "ESP32-A");
        silent.Device.Faults.Silent = true;

        await silent.StateAsync("Unavailable");

        (await silent.LogAsync()).Count(e => e.GetProperty("result").GetString()!.StartsWith("unavailable", StringComparison.Ordinal)).ShouldBe(1);
        (await alive.LogAsync()).ShouldNotContain(e => e.GetProperty("result").GetString()!.StartsWith("unavailable", StringComparison.Ordinal));
    }

    private static bool HeardBy(TestApp app, string deviceId) =>
        app.Services.GetRequiredService<DeviceCache>().Find(System.Text.Encoding.ASCII.GetBytes(deviceId)) is { ReceivedAt.Ticks: > 0 };

    private static Task StoreAsync(TestApp app) => app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);

    private static async Task<int> DeliveriesAsync(SignedIn owner, string webhookId) =>
        (await owner.Http.GetFromJsonAsync<JsonElement>($"/api/webhooks/{webhookId}/deliveries?limit=100")).GetProperty("items").GetArrayLength();
}
