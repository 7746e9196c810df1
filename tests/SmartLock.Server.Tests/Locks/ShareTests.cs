using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Locks;

public sealed class ShareTests
{
    [Fact]
    public async Task An_operator_opens_the_door_within_the_window_and_neither_before_nor_after()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        var owner = await app.OwnerAsync();
        var guest = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner, adjust: o => o with { Time = clock });
        var from = clock.GetUtcNow().AddSeconds(2);
        using var shared = await owner.ShareAsync(door.DeviceId, guest.Username.ToUpperInvariant(), "operator", from, from.AddSeconds(5));
        shared.StatusCode.ShouldBe(HttpStatusCode.Created);

        await ShouldNotSeeAsync(guest, door.DeviceId);

        clock.Advance(TimeSpan.FromSeconds(2));
        (await guest.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{door.DeviceId}")).Text("access").ShouldBe("operator");
        using var unlocked = await guest.UnlockAsync(door.DeviceId);
        unlocked.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await Eventually.TrueAsync(() => door.Device.BoltMovements == 1, "the bolt moved");
        var command = (await unlocked.JsonAsync()).Text("command_id");

        clock.Advance(TimeSpan.FromSeconds(5));
        await ShouldNotSeeAsync(guest, door.DeviceId);
        (await guest.Http.GetAsync($"/api/commands/{command}")).StatusCode.ShouldBe(HttpStatusCode.OK, "it is his command");
        (await owner.Http.GetAsync($"/api/commands/{command}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        door.Device.BoltMovements.ShouldBe(1);
        (await door.LogAsync()).Count(e => e.Text("actor") == guest.Username && e.Text("result") == "refused: not found").ShouldBe(2);
    }

    [Fact]
    public async Task A_viewer_reads_and_opens_nothing()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var viewer = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        await owner.ShareAsync(door.DeviceId, viewer.Username, "viewer");

        foreach (var suffix in (string[])["", "/status", "/diagnostics"])
        {
            (await viewer.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{door.DeviceId}{suffix}")).Text("access").ShouldBe("viewer");
        }

        foreach (var path in (string[])["/api/unlock", "/api/lock"])
        {
            using var refused = await viewer.Http.PostAsJsonAsync(path, new { device_id = door.DeviceId });
            await refused.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "not_an_operator");
        }

        door.Device.BoltMovements.ShouldBe(0);
        (await door.LogAsync()).Take(2).ShouldAllBe(e => e.Text("result") == "refused: viewer" && e.Text("actor") == viewer.Username);
    }

    [Fact]
    public async Task The_list_holds_own_and_shared_locks_with_what_one_may_do()
    {
        await using var app = await TestApp.StartAsync();
        var (ada, bob) = (await app.OwnerAsync(), await app.OwnerAsync());
        foreach (var (owner, id) in new[] { (ada, "D1"), (bob, "D2"), (ada, "D3"), (ada, "D4") })
        {
            await owner.RegisterAsync(id);
        }

        await ada.ShareAsync("D1", bob.Username, "viewer");
        await ada.ShareAsync("D4", bob.Username, "operator");

        var page = await bob.Http.GetFromJsonAsync<JsonElement>("/api/locks");

        page.GetProperty("items").EnumerateArray().Select(i => $"{i.Text("device_id")} {i.Text("access")} {i.Text("owner") == bob.Username}")
            .ShouldBe(["D1 viewer False", "D2 owner True", "D4 operator False"]);
    }

    [Fact]
    public async Task A_share_is_replaced_listed_and_ended()
    {
        await using var app = await TestApp.StartAsync();
        var (owner, bob) = (await app.OwnerAsync(), await app.OwnerAsync("Bob.B"));
        await owner.RegisterAsync("D1");
        var until = TimeProvider.System.GetUtcNow().AddDays(1);

        (await owner.ShareAsync("D1", "bob.b", "viewer")).StatusCode.ShouldBe(HttpStatusCode.Created);
        using var replaced = await owner.ShareAsync("D1", "BOB.B", "operator", until: until);

        replaced.StatusCode.ShouldBe(HttpStatusCode.OK);
        var share = (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1/shares")).GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        share.ToString().ShouldBe((await replaced.JsonAsync()).ToString());
        (share.Text("username"), share.Text("role")).ShouldBe(("Bob.B", "operator"));
        share.GetProperty("from").ValueKind.ShouldBe(JsonValueKind.Null);
        share.GetProperty("until").GetDateTimeOffset().ShouldBe(until, TimeSpan.FromMilliseconds(1));

        (await owner.Http.DeleteAsync("/api/locks/D1/shares/bOB.b")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var again = await owner.Http.DeleteAsync("/api/locks/D1/shares/bob.b");
        await again.ShouldBeProblemAsync(HttpStatusCode.NotFound, "share_not_found");
        await ShouldNotSeeAsync(bob, "D1");
    }

    [Fact]
    public async Task Who_a_lock_is_shared_with_may_leave()
    {
        await using var app = await TestApp.StartAsync();
        var (owner, bob, eve) = (await app.OwnerAsync(), await app.OwnerAsync(), await app.OwnerAsync());
        await owner.RegisterAsync("D1");
        await owner.ShareAsync("D1", bob.Username, "operator");

        using var foreign = await eve.Http.DeleteAsync($"/api/locks/D1/shares/{eve.Username}");
        await foreign.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        (await bob.Http.DeleteAsync($"/api/locks/D1/shares/{bob.Username}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        await ShouldNotSeeAsync(bob, "D1");
    }

    [Fact]
    public async Task What_cannot_be_shared_is_refused()
    {
        await using var app = await TestApp.StartAsync();
        var (owner, bob) = (await app.OwnerAsync(), await app.OwnerAsync());
        await owner.RegisterAsync("D1");
        var now = TimeProvider.System.GetUtcNow();

        using var unknown = await owner.ShareAsync("D1", "nobody-here", "viewer");
        await unknown.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "user_not_found");
        using var longName = await owner.ShareAsync("D1", new string('x', 5000), "viewer");
        await longName.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "user_not_found");
        using var oneself = await owner.ShareAsync("D1", owner.Username.ToUpperInvariant(), "viewer");
        await oneself.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "shared_with_oneself");
        using var past = await owner.ShareAsync("D1", bob.Username, "viewer", until: now.AddSeconds(-1));
        await past.ShouldBeInvalidAsync("until");
        using var backwards = await owner.ShareAsync("D1", bob.Username, "viewer", now.AddDays(2), now.AddDays(1));
        await backwards.ShouldBeInvalidAsync("until");
        using var role = await owner.ShareAsync("D1", bob.Username, "owner");
        await role.ShouldBeInvalidAsync("role");
        using var number = await owner.Http.PostTextAsync("/api/locks/D1/shares", $$"""{"username":"{{bob.Username}}","role":1}""");
        await number.ShouldBeInvalidAsync("role");

        (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1/shares")).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    private static async Task ShouldNotSeeAsync(SignedIn user, string deviceId)
    {
        foreach (var suffix in (string[])["", "/status", "/diagnostics", "/shares"])
        {
            using var read = await user.Http.GetAsync($"/api/locks/{deviceId}{suffix}");
            await read.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        }

        using var unlock = await user.UnlockAsync(deviceId);
        await unlock.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        (await user.Http.GetFromJsonAsync<JsonElement>("/api/locks")).GetProperty("items").GetArrayLength().ShouldBe(0);
    }
}
