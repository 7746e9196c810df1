using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Audit;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Tests.Locks;

public sealed class RegisterLockTests
{
    [Fact]
    public async Task A_registered_lock_is_answered_with_its_key_and_broker_login()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync("ada");

        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = "ESP32-7C9EBD", name = "Haustür 🚪" });

        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        answer.Headers.Location!.LegacyString.ShouldBe("/api/locks/ESP32-7C9EBD");
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var made = await answer.Content.ReadFromJsonAsync<JsonElement>();
        made.GetProperty("device_id").GetString().ShouldBe("ESP32-7C9EBD");
        made.GetProperty("name").GetString().ShouldBe("Haustür 🚪");
        made.GetProperty("owner").GetString().ShouldBe("ada");
        made.GetProperty("status").GetString().ShouldBe("Unknown");
        made.GetProperty("state").GetString().ShouldBe("Unavailable");
        made.GetProperty("issue").GetString().ShouldBe("No heartbeat");
        made.GetProperty("last_seen").ValueKind.ShouldBe(JsonValueKind.Null);
        made.GetProperty("unsigned").GetBoolean().ShouldBeFalse();
        var key = made.GetProperty("key").GetString()!;
        key.ShouldMatch("^[0-9a-f]{64}$");
        var mac = HMACSHA256.HashData(Convert.FromHexString(key), Encoding.ASCII.GetBytes("v1|mqtt|ESP32-7C9EBD"));
        made.GetProperty("mqtt").GetProperty("username").GetString().ShouldBe("ESP32-7C9EBD");
        made.GetProperty("mqtt").GetProperty("password").GetString().ShouldBe(Convert.ToHexStringLower(mac));
    }

    [Fact]
    public async Task The_key_is_shown_once_and_stands_nowhere_in_the_clear()
    {
        await using var app = await TestApp.StartAsync("--Logging:LogLevel:Default=Trace");
        var owner = await app.OwnerAsync();
        var made = await RegisterAsync(owner, "D1");
        var key = made.GetProperty("key").GetString()!;
        var password = made.GetProperty("mqtt").GetProperty("password").GetString()!;

        foreach (var path in (string[])["/api/locks", "/api/locks/D1", "/api/locks/D1/status", "/api/logs"])
        {
            var text = await owner.Http.GetStringAsync(path);
            text.ShouldNotContain(key);
            text.ShouldNotContain(password);
            text.ShouldNotContain("\"key\"");
        }

        app.Logs.All.ShouldAllBe(line => !line.Text.Contains(key) && !line.Text.Contains(password));
        var stored = await app.Services.GetRequiredService<IDeviceStore>().FindAsync("D1", default);
        app.Services.GetRequiredService<DeviceKeys>().Unprotect("D1", stored!.ProtectedKey).ShouldBe(Convert.FromHexString(key));
        await app.StopAsync();
        foreach (var file in Directory.GetFiles(app.DataFolder, "smartlock.db*"))
        {
            (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(Convert.FromHexString(key)).ShouldBe(-1);
        }
    }

    [Fact]
    public async Task A_taken_device_id_is_refused_whoever_has_it()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var stranger = await app.OwnerAsync();
        await RegisterAsync(owner, "D1");

        foreach (var asker in (SignedIn[])[owner, stranger])
        {
            using var again = await asker.Http.PostAsJsonAsync("/api/locks", new { device_id = "D1", name = "Mine" });
            again.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            (await CodeAsync(again)).ShouldBe("device_id_taken");
        }
    }

    [Fact]
    public async Task An_account_may_have_only_so_many_locks()
    {
        await using var app = await TestApp.StartAsync("--Locks:MaxPerOwner=2");
        var owner = await app.OwnerAsync();
        await RegisterAsync(owner, "D1");
        await RegisterAsync(owner, "D2");

        using var third = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = "D3", name = "Shed" });

        third.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await CodeAsync(third)).ShouldBe("too_many_locks");
        await RegisterAsync(await app.OwnerAsync(), "D3");
    }

    [Fact]
    public async Task Unsigned_locks_are_registered_only_where_they_are_allowed()
    {
        var request = new { device_id = "D1", name = "Sketch", unsigned = true };
        await using (var strict = await TestApp.StartAsync())
        {
            using var refused = await (await strict.OwnerAsync()).Http.PostAsJsonAsync("/api/locks", request);
            refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            (await ErrorsAsync(refused)).ShouldBe(["unsigned"]);
        }

        await using var open = await TestApp.StartAsync("--Devices:AllowUnsigned=true");
        var owner = await open.OwnerAsync();
        using var made = await owner.Http.PostAsJsonAsync("/api/locks", request);
        made.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1")).GetProperty("unsigned").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task Registering_is_in_the_log()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync("ada");
        await RegisterAsync(owner, "D1");

        var logs = await owner.Http.GetFromJsonAsync<JsonElement>("/api/logs");

        var entry = logs.GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        entry.GetProperty("actor").GetString().ShouldBe("ada");
        entry.GetProperty("action").GetString().ShouldBe(AuditActions.LockRegistered);
        entry.GetProperty("device_id").GetString().ShouldBe("D1");
    }

    [Fact]
    public async Task What_a_lock_may_not_be_called_is_refused_by_member()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        foreach (var (body, members) in Refused())
        {
            using var answer = await owner.Http.PostTextAsync("/api/locks", body);
            answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest, body);
            (await ErrorsAsync(answer)).ShouldBe(members, body);
        }

        (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks")).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("0")]
    [InlineData("..", false)]
    [InlineData("a..b")]
    [InlineData("AA:BB:CC:DD:EE:FF")]
    [InlineData("x_y.z-1")]
    public async Task Device_ids_of_every_permitted_kind_go_there_and_back(string deviceId, bool permitted = true)
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = "x" });
        answer.StatusCode.ShouldBe(permitted ? HttpStatusCode.Created : HttpStatusCode.BadRequest);
        if (permitted)
        {
            var found = await owner.Http.GetFromJsonAsync<JsonElement>(answer.Headers.Location);
            found.GetProperty("device_id").GetString().ShouldBe(deviceId);
        }
    }

    private static IEnumerable<(string Body, string[] Members)> Refused()
    {
        var longId = new string('a', 65);
        var longName = string.Concat(Enumerable.Repeat("🚪", 65));
        string[] ids = ["", " ", longId, "-a", ".a", "a/b", "a+", "#", "a|b", "a b", "a'b", "a\\\"b", "ä", "a\\n", "a%2Fb", "\\u0000"];
        foreach (var id in ids)
        {
            yield return ($$"""{"device_id":"{{id}}","name":"x"}""", ["device_id"]);
        }

        string[] names = ["", "   ", longName, "a\\u0000b", "a\\nb", "a\\u202Eb", "a\\u200Bb", "\\u2066x"];
        foreach (var name in names)
        {
            yield return ($$"""{"device_id":"D1","name":"{{name}}"}""", ["name"]);
        }

        yield return ("""{"device_id":"/","name":""}""", ["device_id", "name"]);
        yield return ("""{"device_id":7,"name":"x"}""", ["device_id"]);
        yield return ("""{"device_id":null,"name":"x"}""", ["device_id"]);
        yield return ("""{"device_id":"D1","name":["x"]}""", ["name"]);
        yield return ("""{"device_id":"D1","name":"x","unsigned":"yes"}""", ["unsigned"]);
        yield return ("""{"device_id":"D1","name":"x","unsigned":null}""", ["unsigned"]);
        yield return ("""{"device_id":"D1","name":"x","owner":"eve"}""", ["owner"]);
        yield return ("""{"device_id":"D1"}""", ["name"]);
        yield return ("""{"name":"x"}""", ["device_id"]);
        yield return ("[]", ["body"]);
    }

    private static async Task<JsonElement> RegisterAsync(SignedIn owner, string deviceId)
    {
        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = $"Door {deviceId}" });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString();

    private static async Task<string[]> ErrorsAsync(HttpResponseMessage answer) =>
        [.. (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateObject().Select(member => member.Name)];
}
