using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Tests.Storage;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Locks;

public sealed class ReadLockTests
{
    [Theory]
    [InlineData("")]
    [InlineData("/status")]
    public async Task A_foreign_lock_and_a_missing_one_answer_the_same(string suffix)
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var stranger = await app.OwnerAsync();
        await RegisterAsync(owner, "D1");

        var answers = new List<string>();
        foreach (var id in (string[])["D1", "D2", "-", "a%7Cb", "%01", new string('x', 500)])
        {
            using var answer = await stranger.Http.GetAsync($"/api/locks/{id}{suffix}");
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound, id);
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
            answers.Add($"{problem.GetProperty("code")} {problem.GetProperty("detail")}");
        }

        answers.Distinct().ShouldHaveSingleItem().ShouldStartWith("lock_not_found");
        (await owner.Http.GetAsync($"/api/locks/D1{suffix}")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_lock_shows_what_its_device_reported()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        var owner = await app.OwnerAsync();
        await RegisterAsync(owner, "D1");
        var reported = clock.GetUtcNow();
        var report = new DeviceReport("D1", reported, LockStatus.Unlocked, "Low battery", 1, 1, true, "1.0.0", -61, 3_700, 5);
        await app.Services.GetRequiredService<IDeviceStore>().TakeAsync(new DeviceBatch([report], [], []));

        var found = await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1");
        var status = await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks/D1/status");

        foreach (var answer in (JsonElement[])[found, status])
        {
            answer.GetProperty("device_id").GetString().ShouldBe("D1");
            answer.GetProperty("status").GetString().ShouldBe("Unlocked");
            answer.GetProperty("state").GetString().ShouldBe("Available");
            answer.GetProperty("issue").GetString().ShouldBe("Low battery");
            answer.GetProperty("last_seen").GetDateTimeOffset().ShouldBe(reported);
        }

        found.GetProperty("firmware").GetString().ShouldBe("1.0.0");
        found.GetProperty("rssi").GetInt32().ShouldBe(-61);
        found.GetProperty("battery_mv").GetInt32().ShouldBe(3_700);
        found.EnumerateObject().Select(member => member.Name).Order().ShouldBe([
            "access", "battery_mv", "created_at", "device_id", "firmware", "issue", "last_seen", "name", "owner", "rssi", "state", "status", "unsigned",
        ]);
    }

    [Fact]
    public async Task A_list_is_paged_by_cursor_and_holds_no_strangers_lock()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var stranger = await app.OwnerAsync();
        for (var i = 0; i < 5; i++)
        {
            await RegisterAsync(owner, $"D{i}");
            await RegisterAsync(stranger, $"C{i}");
        }

        var seen = new List<string>();
        string? path = "/api/locks?limit=2";
        while (path is not null)
        {
            var page = await owner.Http.GetFromJsonAsync<JsonElement>(path);
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("device_id").GetString()!));
            path = page.GetProperty("next").GetString() is { } next ? $"/api/locks?limit=2&cursor={next}" : null;
        }

        seen.ShouldBe(["D0", "D1", "D2", "D3", "D4"]);
    }

    [Theory]
    [InlineData("/api/locks?limit=0", "limit")]
    [InlineData("/api/locks?limit=101", "limit")]
    [InlineData("/api/locks?limit=-1", "limit")]
    [InlineData("/api/locks?limit=ten", "limit")]
    [InlineData("/api/locks?limit=99999999999", "limit")]
    [InlineData("/api/locks?cursor=", "cursor")]
    [InlineData("/api/locks?cursor=D1", "cursor")]
    [InlineData("/api/locks?cursor=%20%20", "cursor")]
    [InlineData("/api/locks?cursor=////", "cursor")]
    [InlineData("/api/logs?limit=0", "limit")]
    [InlineData("/api/logs?limit=101", "limit")]
    [InlineData("/api/logs?cursor=1", "cursor")]
    [InlineData("/api/logs?cursor=AAAAAAAAAAAA", "cursor")]
    public async Task A_limit_or_cursor_that_is_none_is_refused_by_name(string path, string member)
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        using var answer = await owner.Http.GetAsync(path);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        problem.GetProperty("errors").EnumerateObject().ShouldHaveSingleItem().Name.ShouldBe(member);
    }

    [Fact]
    public async Task Without_a_token_nothing_is_answered()
    {
        await using var app = await TestApp.StartAsync();
        foreach (var path in (string[])["/api/locks", "/api/locks/D1", "/api/locks/D1/status", "/api/logs"])
        {
            using var answer = await app.Http.GetAsync(path);
            answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }
    }

    private static async Task RegisterAsync(SignedIn owner, string deviceId)
    {
        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = $"Door {deviceId}" });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
    }
}
