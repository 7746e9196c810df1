using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Server.Tests.Locks;

public sealed class ReassignTests
{
    [Fact]
    public async Task A_reassigned_lock_changes_hands_at_once()
    {
        await using var app = await TestApp.StartAsync();
        var (admin, old, next, guest) = (await app.AdminAsync(), await app.OwnerAsync(), await app.OwnerAsync("Next.One"), await app.OwnerAsync());
        await using var door = await Door.OpenAsync(app, old);
        await old.ShareAsync(door.DeviceId, guest.Username, "operator");

        using var answer = await admin.ReassignAsync(door.DeviceId, "next.ONE");

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.JsonAsync()).Text("owner").ShouldBe("Next.One");
        foreach (var gone in (SignedIn[])[old, guest])
        {
            using var read = await gone.Http.GetAsync($"/api/locks/{door.DeviceId}");
            await read.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
            using var unlock = await gone.UnlockAsync(door.DeviceId);
            await unlock.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
            (await gone.Http.GetFromJsonAsync<JsonElement>("/api/locks")).GetProperty("items").GetArrayLength().ShouldBe(0);
        }

        using var opened = await next.UnlockAsync(door.DeviceId);
        opened.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await next.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{door.DeviceId}")).Text("access").ShouldBe("owner");
        var entries = (await admin.WholeLogAsync(door.DeviceId)).Where(e => e.Text("action") == "lock.reassign");
        entries.Select(e => $"{e.Text("actor")} {e.Text("result")} {e.Text("target")}").ShouldBe([$"boss taken from {old.Username}", "boss given to Next.One"]);
    }

    [Fact]
    public async Task Who_cannot_have_a_lock_is_not_given_it()
    {
        await using var app = await TestApp.StartAsync("--Locks:MaxPerOwner=1");
        var (admin, owner, full) = (await app.AdminAsync(), await app.OwnerAsync(), await app.OwnerAsync());
        await owner.RegisterAsync("D1");
        await full.RegisterAsync("D2");
        await app.StoredUserAsync("off", disabled: true);

        using var missing = await admin.ReassignAsync("D9", owner.Username);
        await missing.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        using var odd = await admin.ReassignAsync("a%7Cb", owner.Username);
        await odd.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        foreach (var name in (string[])["nobody", "off", "", new string('x', 5000)])
        {
            using var nobody = await admin.ReassignAsync("D1", name);
            await nobody.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "user_not_found");
        }

        using var many = await admin.ReassignAsync("D1", full.Username);
        await many.ShouldBeProblemAsync(HttpStatusCode.Conflict, "too_many_locks");
        using var same = await admin.ReassignAsync("D1", owner.Username);
        same.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await admin.WholeLogAsync("D1")).Select(e => e.Text("action")).ShouldBe(["lock.register"]);
    }

    [Fact]
    public async Task Only_admins_reassign_and_list_and_they_open_nobodys_door()
    {
        await using var app = await TestApp.StartAsync();
        var (admin, owner) = (await app.AdminAsync(), await app.OwnerAsync());
        await owner.RegisterAsync("D1");

        using var reassign = await owner.ReassignAsync("D1", owner.Username);
        await reassign.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        using var list = await owner.Http.GetAsync("/api/admin/locks");
        await list.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        using var read = await admin.Http.GetAsync("/api/locks/D1");
        await read.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        using var unlock = await admin.UnlockAsync("D1");
        await unlock.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        using var rotate = await admin.RotateKeyAsync("D1");
        await rotate.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
    }

    [Fact]
    public async Task Admins_list_everybodys_locks_in_pages_and_by_owner_and_state()
    {
        await using var app = await TestApp.StartAsync();
        var (admin, ada, bob) = (await app.AdminAsync(), await app.OwnerAsync("ada"), await app.OwnerAsync("bob"));
        await using var door = await Door.OpenAsync(app, ada, "D1");
        await ada.RegisterAsync("D2");
        await bob.RegisterAsync("D3");

        (await ListAsync(admin, "?owner=ADA")).ShouldBe(["D1 ada", "D2 ada"]);
        (await ListAsync(admin, "?state=Available")).ShouldBe(["D1 ada"]);
        (await ListAsync(admin, "?state=Unavailable&owner=bob")).ShouldBe(["D3 bob"]);
        (await ListAsync(admin, "?owner=nobody")).ShouldBeEmpty();
        (await ListAsync(admin, "?limit=1")).ShouldBe(["D1 ada", "D2 ada", "D3 bob"]);
        using var state = await admin.Http.GetAsync("/api/admin/locks?state=1");
        await state.ShouldBeInvalidAsync("state");
        using var cursor = await admin.Http.GetAsync("/api/admin/locks?cursor=D1");
        await cursor.ShouldBeInvalidAsync("cursor");
    }

    private static async Task<List<string>> ListAsync(SignedIn admin, string query)
    {
        var seen = new List<string>();
        var path = $"/api/admin/locks{query}";
        for (var next = ""; next is not null;)
        {
            var page = await admin.Http.GetFromJsonAsync<JsonElement>(next == "" ? path : $"{path}&cursor={next}");
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(i => $"{i.Text("device_id")} {i.Text("owner")}"));
            next = page.GetProperty("next").GetString();
        }

        return seen;
    }
}
