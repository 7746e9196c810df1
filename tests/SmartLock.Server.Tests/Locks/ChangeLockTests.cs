using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Tests.MainJob;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests.Locks;

public sealed class ChangeLockTests
{
    [Fact]
    public async Task A_lock_gets_another_name()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await owner.RegisterAsync("D1");

        using var answer = await owner.RenameAsync("D1", "Back door 🚪");

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.JsonAsync()).Text("name").ShouldBe("Back door 🚪");
        (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1")).Text("name").ShouldBe("Back door 🚪");
        using var empty = await owner.RenameAsync("D1", " ");
        await empty.ShouldBeInvalidAsync("name");
        using var more = await owner.Http.PatchAsJsonAsync("/api/locks/D1", new { name = "x", owner = "eve" });
        await more.ShouldBeInvalidAsync("owner");
    }

    [Fact]
    public async Task What_is_the_owners_only_is_403_for_a_sharer_and_404_for_a_stranger()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var (sharer, viewer, stranger) = (await app.OwnerAsync(), await app.OwnerAsync(), await app.OwnerAsync());
        await owner.RegisterAsync("D1");
        (await owner.ShareAsync("D1", sharer.Username, "operator")).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await owner.ShareAsync("D1", viewer.Username, "viewer")).StatusCode.ShouldBe(HttpStatusCode.Created);
        var calls = new Func<SignedIn, string, Task<HttpResponseMessage>>[]
        {
            (user, id) => user.RenameAsync(id, "Mine"),
            (user, id) => user.RotateKeyAsync(id),
            (user, id) => user.Http.DeleteAsync($"/api/locks/{id}"),
            (user, id) => user.ShareAsync(id, stranger.Username, "viewer"),
            (user, id) => user.Http.GetAsync($"/api/locks/{id}/shares"),
            (user, id) => user.Http.DeleteAsync($"/api/locks/{id}/shares/{owner.Username}"),
        };

        foreach (var call in calls)
        {
            foreach (var user in (SignedIn[])[sharer, viewer])
            {
                using var known = await call(user, "D1");
                await known.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "owner_only");
            }

            using var foreign = await call(stranger, "D1");
            using var missing = await call(stranger, "D2");
            using var none = await call(stranger, "a%7Cb");
            var first = await foreign.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
            first.Text("detail").ShouldBe((await missing.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found")).Text("detail"));
            await none.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        }

        (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1")).Text("name").ShouldBe("Door D1");
        (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1/shares")).GetProperty("items").GetArrayLength().ShouldBe(2);
    }

    [Fact]
    public async Task A_new_key_throws_the_device_out_until_it_has_the_new_one()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner, adjust: o => o with { ShortestReconnectWait = TimeSpan.FromMilliseconds(10) });
        var turnedAway = new TaskCompletionSource<string>();
        door.Device.Happened += (_, e) =>
        {
            if (e.Kind is VirtualLockEventKind.ConnectFailed)
            {
                turnedAway.TrySetResult(e.Text);
            }
        };

        using var answer = await owner.RotateKeyAsync(door.DeviceId);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var rotated = await answer.JsonAsync();
        rotated.Text("key").ShouldMatch("^[0-9a-f]{64}$");
        rotated.Text("key").ShouldNotBe(door.KeyHex);
        rotated.GetProperty("mqtt").Text("username").ShouldBe(door.DeviceId);
        await turnedAway.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await door.StateAsync("Unavailable");
        (await door.ReadAsync()).Text("issue").ShouldBe("Connection lost", "its will says so");

        await using var again = Door.WithKey(owner, Door.BrokerOf(app), door.DeviceId, rotated.Text("key"));
        await again.SwitchOnAsync();
        using var unlocked = await again.UnlockAsync();
        unlocked.StatusCode.ShouldBe(HttpStatusCode.OK, await unlocked.Content.ReadAsStringAsync());
        door.Device.BoltMovements.ShouldBe(0);
    }

    [Fact]
    public async Task Statuses_signed_with_the_old_key_are_dropped()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        var rotated = await (await owner.RotateKeyAsync(door.DeviceId)).JsonAsync();
        await using var again = Door.WithKey(owner, Door.BrokerOf(app), door.DeviceId, rotated.Text("key"));
        await again.SwitchOnAsync();
        (await again.ReadAsync()).Text("status").ShouldBe("Locked");

        await SayAsync(app, Forger.StatusOf(door, "Unlocked", null, null, null));
        (await again.ReadAsync()).Text("status").ShouldBe("Locked");

        await SayAsync(app, Forger.StatusOf(again, "Unlocked", null, null, null));
        (await again.ReadAsync()).Text("status").ShouldBe("Unlocked", "with the new key it is believed");
    }

    [Fact]
    public async Task A_removed_lock_is_gone_for_everybody_and_its_device_thrown_out()
    {
        await using var app = await TestApp.StartAsync();
        var (owner, sharer, admin) = (await app.OwnerAsync(), await app.OwnerAsync(), await app.AdminAsync());
        await using var door = await Door.OpenAsync(app, owner);
        await owner.ShareAsync(door.DeviceId, sharer.Username, "operator");
        using var unlocked = await door.UnlockAsync();
        var command = (await unlocked.JsonAsync()).Text("command_id");

        using var answer = await owner.Http.DeleteAsync($"/api/locks/{door.DeviceId}");

        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        app.Services.GetRequiredService<MqttBroker>().IsConnected(door.DeviceId).ShouldBeFalse();
        foreach (var user in (SignedIn[])[owner, sharer])
        {
            using var read = await user.Http.GetAsync($"/api/locks/{door.DeviceId}");
            await read.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
            using var again = await user.UnlockAsync(door.DeviceId);
            await again.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        }

        (await owner.Http.GetAsync($"/api/commands/{command}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await admin.WholeLogAsync(door.DeviceId)).Select(e => e.Text("action")).ShouldContain("lock.remove");
        door.Device.BoltMovements.ShouldBe(1);

        await sharer.RegisterAsync(door.DeviceId);
        (await sharer.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{door.DeviceId}")).Text("state").ShouldBe("Unavailable");
    }

    [Fact]
    public async Task Rotating_and_unlocking_at_once_leaves_no_command_signed_with_an_old_key()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);

        var unlocks = Enumerable.Range(0, 30).Select(_ => door.UnlockAsync(wait: null)).ToList();
        using var rotated = await owner.RotateKeyAsync(door.DeviceId);
        var answers = await Task.WhenAll(unlocks);

        rotated.StatusCode.ShouldBe(HttpStatusCode.OK);
        answers.ShouldAllBe(a => a.StatusCode == HttpStatusCode.Accepted || a.StatusCode == HttpStatusCode.ServiceUnavailable || a.StatusCode == HttpStatusCode.Conflict);
        door.Device.RefusalsOf(SmartLock.Device.Refusal.BadSignature).ShouldBe(0);
        await Eventually.TrueAsync(() => !door.Device.IsConnected, "the device is thrown out");
    }

    private static async Task SayAsync(TestApp app, string status)
    {
        // As if it came from an outside broker, where nobody's login is known.
        app.Services.GetRequiredService<StatusIngest>().Accept(Encoding.UTF8.GetBytes(status), retained: false, login: null);
        await app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);
    }
}
