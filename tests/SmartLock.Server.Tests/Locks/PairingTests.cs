using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Device;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Server.Tests.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Locks;

public sealed class PairingTests
{
    [Fact]
    public async Task A_prepared_device_is_claimed_by_its_code_and_opens()
    {
        await using var app = await TestApp.StartAsync("--Server:PublicUrl=https://locks.example.org/");
        var (admin, owner) = (await app.AdminAsync(), await app.OwnerAsync());
        var added = await AddAsync(admin, new { device_id = "ESP32-7C9EBD" });
        var pairing = added.GetProperty("pairing");
        var code = pairing.Text("code");
        pairing.Text("qr").ShouldBe($"smartlock://pair?v=1&server=https%3A%2F%2Flocks.example.org&device_id=ESP32-7C9EBD&code={code}");
        QrModules.InSvg(pairing.Text("qr_svg")).ShouldBe(QrModules.Of(pairing.Text("qr")));
        (await app.Services.GetRequiredService<DeviceCache>().FindAsync("ESP32-7C9EBD", default)).ShouldBeNull("it cannot log in before it is claimed");

        using var answer = await owner.ClaimAsync("ESP32-7C9EBD", code.Replace("-", " ", StringComparison.Ordinal).ToLowerInvariant(), "Hall");

        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        answer.Headers.Location!.LegacyString.ShouldBe("/api/locks/ESP32-7C9EBD");
        var made = await answer.JsonAsync();
        (made.Text("name"), made.Text("owner"), made.Text("access")).ShouldBe(("Hall", owner.Username, "owner"));
        made.ToString().ShouldNotContain("key");
        made.ToString().ShouldBe((await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/ESP32-7C9EBD")).ToString());
        await using var door = Door.WithKey(owner, Door.BrokerOf(app), "ESP32-7C9EBD", added.Text("key"));
        await door.SwitchOnAsync();
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        door.Device.Status.ShouldBe(BoltStatus.Unlocked);
        (await admin.WholeLogAsync("ESP32-7C9EBD")).Take(2).Select(e => $"{e.Text("actor")} {e.Text("action")}")
            .ShouldBe(["boss device.add", $"{owner.Username} lock.claim"]);
    }

    [Fact]
    public async Task Neither_key_nor_code_is_shown_again_or_stands_anywhere_in_the_clear()
    {
        await using var app = await TestApp.StartAsync("--Logging:LogLevel:Default=Trace");
        var admin = await app.AdminAsync();
        var added = await AddAsync(admin, new { device_id = "D1" });
        string[] secrets = [added.Text("key"), added.GetProperty("mqtt").Text("password"), added.GetProperty("pairing").Text("code")];

        foreach (var path in (string[])["/api/admin/devices", "/api/admin/locks", "/api/admin/logs"])
        {
            var text = await admin.Http.GetStringAsync(path);
            secrets.ShouldAllBe(secret => !text.Contains(secret));
        }

        using var claimed = await (await app.OwnerAsync()).ClaimAsync("D1", secrets[2]);
        claimed.StatusCode.ShouldBe(HttpStatusCode.Created);
        app.Logs.All.ShouldAllBe(line => !secrets.Any(secret => line.Text.Contains(secret)));
        await app.StopAsync();
        foreach (var file in Directory.GetFiles(app.DataFolder, "smartlock.db*"))
        {
            var bytes = await File.ReadAllBytesAsync(file);
            bytes.AsSpan().IndexOf(Convert.FromHexString(secrets[0])).ShouldBe(-1);
            bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(secrets[2].Replace("-", "", StringComparison.Ordinal))).ShouldBe(-1);
        }
    }

    [Fact]
    public async Task A_wrong_code_an_unknown_device_and_an_expired_one_are_told_the_same()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        var (admin, owner) = (await app.AdminAsync(), await app.OwnerAsync());
        var wrong = await AddAsync(admin, new { device_id = "D1" });
        var expired = await AddAsync(admin, new { device_id = "D2", expires_days = 1 });
        clock.Advance(TimeSpan.FromDays(1));
        admin = await app.SignInAsync(admin.Username);
        owner = await app.SignInAsync(owner.Username);

        var details = new List<string>();
        foreach (var (id, code) in new[] { ("D1", "0000-0000-0000-0000"), ("D2", CodeOf(expired)), ("D9", CodeOf(wrong)) })
        {
            using var refused = await owner.ClaimAsync(id, code);
            details.Add((await refused.ShouldBeProblemAsync(HttpStatusCode.NotFound, "claim_refused")).Text("detail"));
        }

        details.Distinct().Count().ShouldBe(1);
        (await ListAsync(admin)).ShouldBe(["D1 pending 1", "D2 expired 0"]);
        using var malformed = await owner.ClaimAsync("D1", "0000");
        await malformed.ShouldBeInvalidAsync("code");
        using var nameless = await owner.ClaimAsync("D1", CodeOf(wrong), " ");
        await nameless.ShouldBeInvalidAsync("name");
        (await owner.ClaimAsync("D1", CodeOf(wrong))).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Wrong_codes_shut_out_who_gave_them_and_nobody_else()
    {
        await using var app = await TestApp.StartAsync();
        var (admin, owner, guesser) = (await app.AdminAsync(), await app.OwnerAsync(), await app.OwnerAsync());
        var added = await AddAsync(admin, new { device_id = "D1" });
        for (var i = 0; i < 10; i++)
        {
            (await guesser.ClaimAsync("D1", "0000-0000-0000-0000")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        using var late = await guesser.ClaimAsync("D1", CodeOf(added));
        await late.ShouldBeProblemAsync(HttpStatusCode.NotFound, "claim_refused");
        (await ListAsync(admin)).ShouldBe(["D1 pending 10"]);
        using var right = await owner.ClaimAsync("D1", CodeOf(added));
        right.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Of_two_hundred_claims_at_once_one_wins()
    {
        await using var app = await TestApp.StartAsync();
        var admin = await app.AdminAsync();
        var users = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.OwnerAsync()));
        var code = CodeOf(await AddAsync(admin, new { device_id = "D1" }));

        var claims = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => users[i % users.Length].ClaimAsync("D1", code)));

        claims.Count(c => c.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        claims.Count(c => c.StatusCode == HttpStatusCode.NotFound).ShouldBe(199);
        var owner = (await claims.Single(c => c.StatusCode == HttpStatusCode.Created).JsonAsync()).Text("owner");
        (await admin.Http.GetFromJsonAsync<JsonElement>("/api/admin/locks")).GetProperty("items")[0].Text("owner").ShouldBe(owner);
        (await admin.WholeLogAsync("D1")).Count(e => e.Text("result") == "claimed").ShouldBe(1);
    }

    [Fact]
    public async Task A_device_id_is_added_once_and_taken_back()
    {
        await using var app = await TestApp.StartAsync();
        var (admin, owner) = (await app.AdminAsync(), await app.OwnerAsync());
        var code = CodeOf(await AddAsync(admin, new { device_id = "D1" }));
        await owner.RegisterAsync("D2");

        foreach (var id in (string[])["D1", "D2"])
        {
            using var twice = await admin.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = id });
            await twice.ShouldBeProblemAsync(HttpStatusCode.Conflict, "device_id_taken");
            using var registered = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = id, name = "Mine" });
            await registered.ShouldBeProblemAsync(HttpStatusCode.Conflict, "device_id_taken");
        }

        (await admin.Http.DeleteAsync("/api/admin/devices/D1")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        foreach (var id in (string[])["D1", "D2", "a%7Cb"])
        {
            using var gone = await admin.Http.DeleteAsync($"/api/admin/devices/{id}");
            await gone.ShouldBeProblemAsync(HttpStatusCode.NotFound, "device_not_found");
        }

        using var late = await owner.ClaimAsync("D1", code);
        await late.ShouldBeProblemAsync(HttpStatusCode.NotFound, "claim_refused");
    }

    [Fact]
    public async Task A_device_may_have_an_owner_from_the_beginning()
    {
        await using var app = await TestApp.StartAsync("--Locks:MaxPerOwner=1");
        var (admin, owner) = (await app.AdminAsync(), await app.OwnerAsync("Ada"));

        var added = await AddAsync(admin, new { device_id = "D1", owner = "ADA", name = "Hall" });

        added.GetProperty("pairing").ValueKind.ShouldBe(JsonValueKind.Null);
        (added.Text("owner"), added.Text("name")).ShouldBe(("Ada", "Hall"));
        (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1")).Text("access").ShouldBe("owner");
        using var nobody = await admin.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = "D2", owner = "nobody", name = "x" });
        await nobody.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "user_not_found");
        using var many = await admin.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = "D2", owner = "ada", name = "x" });
        await many.ShouldBeProblemAsync(HttpStatusCode.Conflict, "too_many_locks");
        using var nameless = await admin.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = "D2", owner = "ada", expires_days = 30 });
        await nameless.ShouldBeInvalidAsync("name", "expires_days");
        using var never = await admin.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = "D2", expires_days = 0 });
        await never.ShouldBeInvalidAsync("expires_days");
    }

    [Fact]
    public async Task Devices_are_prepared_by_admins_only()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        using var add = await owner.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = "D1" });
        await add.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        using var list = await owner.Http.GetAsync("/api/admin/devices");
        await list.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        using var remove = await owner.Http.DeleteAsync("/api/admin/devices/D1");
        await remove.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task Without_a_public_address_the_QR_text_has_the_one_that_was_asked()
    {
        await using var app = await TestApp.StartAsync();
        var added = await AddAsync(await app.AdminAsync(), new { device_id = "D1" });
        added.GetProperty("pairing").Text("qr").ShouldContain($"&server={Uri.EscapeDataString(app.Address.ToString().TrimEnd('/'))}&");
    }

    private static string CodeOf(JsonElement added) => added.GetProperty("pairing").Text("code");

    private static async Task<JsonElement> AddAsync(SignedIn admin, object device)
    {
        using var answer = await admin.Http.PostAsJsonAsync("/api/admin/devices", device);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        return await answer.JsonAsync();
    }

    private static async Task<IEnumerable<string>> ListAsync(SignedIn admin) =>
        (await admin.Http.GetFromJsonAsync<JsonElement>("/api/admin/devices")).GetProperty("items").EnumerateArray()
            .Select(i => $"{i.Text("device_id")} {i.Text("state")} {i.GetProperty("wrong_codes").GetInt32()}");
}
