using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Audit;

public sealed class LogFilterTests
{
    [Fact]
    public async Task Filters_choose_by_lock_actor_action_and_time()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        var ada = await app.OwnerAsync("Ada");
        var eve = await app.OwnerAsync("eve");
        await RegisterAsync(ada, "D1", "D2");
        clock.Advance(TimeSpan.FromMinutes(1));
        var start = clock.GetUtcNow();
        await TryAsync(ada, "/api/unlock", "D1");
        clock.Advance(TimeSpan.FromMinutes(1));
        var end = clock.GetUtcNow();
        await TryAsync(eve, "/api/lock", "D1");

        (await ListAsync(ada, "")).ShouldBe(["eve command.lock D1", "Ada command.unlock D1", "Ada lock.register D2", "Ada lock.register D1"]);
        (await ListAsync(ada, "?actor=EVE")).ShouldBe(["eve command.lock D1"]);
        (await ListAsync(ada, "?actor=nobody")).ShouldBeEmpty();
        (await ListAsync(ada, "?action=lock.register&device_id=D2")).ShouldBe(["Ada lock.register D2"]);
        (await ListAsync(ada, $"?from={start:yyyy-MM-ddTHH:mm:ss}Z&until={end:yyyy-MM-ddTHH:mm:ss}Z")).ShouldBe(["Ada command.unlock D1"]);
        (await ListAsync(eve, "?actor=eve")).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_admin_reads_all_and_filters_alike()
    {
        await using var app = await TestApp.StartAsync();
        var ada = await app.OwnerAsync("Ada");
        var eve = await app.OwnerAsync("eve");
        await RegisterAsync(ada, "D1");
        await RegisterAsync(eve, "E1");
        var admin = await app.AdminAsync();

        (await ListAsync(admin, "?action=lock.register", "/api/admin/logs")).ShouldBe(["eve lock.register E1", "Ada lock.register D1"]);
        (await ListAsync(admin, "?action=lock.register&actor=ada", "/api/admin/logs")).ShouldBe(["Ada lock.register D1"]);
        (await ListAsync(admin, "?device_id=E1", "/api/admin/logs")).ShouldBe(["eve lock.register E1"]);
        (await ListAsync(admin, "")).ShouldBeEmpty();
        var first = await admin.Http.GetFromJsonAsync<JsonElement>("/api/admin/logs?action=lock.register&limit=1");
        (await ListAsync(admin, $"?action=lock.register&limit=1&cursor={first.GetProperty("next").GetString()}", "/api/admin/logs")).ShouldBe(["Ada lock.register D1"]);
    }

    [Theory]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=2026-06-01T12:00:00", "from")]
    [InlineData("until=2026-06-01", "until")]
    [InlineData("from=2026-06-02T00:00:00Z&until=2026-06-01T00:00:00Z", "until")]
    [InlineData("actor=", "actor")]
    [InlineData("action=%00", "action")]
    public async Task A_filter_that_means_nothing_is_named(string query, string field)
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        foreach (var path in new[] { "/api/logs", "/api/logs/export" })
        {
            using var answer = await owner.Http.GetAsync($"{path}?{query}");
            await answer.ShouldBeInvalidAsync(field);
        }
    }

    [Fact]
    public async Task The_export_is_the_whole_log_as_csv_and_no_formula_gets_into_it()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync("ada");
        await RegisterAsync(owner, "D1", "D2");
        for (var i = 0; i < 1_200; i++)
        {
            await TryAsync(owner, "/api/unlock", "D1");
        }

        using var answer = await owner.Http.GetAsync("/api/logs/export");

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/csv");
        answer.Content.Headers.ContentDisposition!.FileName.ShouldBe("smartlock-log.csv");
        var lines = (await answer.Content.ReadAsStringAsync()).Split("\r\n");
        lines[0].ShouldBe("id,time,device_id,sequence,actor,action,result,command_id,target,previous_hash,hash,issue");
        lines.Length.ShouldBe(1 + 1_202 + 1);
        lines[^1].ShouldBe("");
        lines[1].Split(',')[2..7].ShouldBe(["D1", "1201", "ada", "command.unlock", "refused: offline"]);
        lines.Skip(1).SkipLast(1).ShouldAllBe(l => l.Split(',').Length == 12);

        using var filtered = await owner.Http.GetAsync("/api/logs/export?device_id=D2");
        (await filtered.Content.ReadAsStringAsync()).Split("\r\n").Length.ShouldBe(3);
        using var accounts = await (await app.AdminAsync()).Http.GetAsync("/api/admin/logs/export");
        (await accounts.Content.ReadAsStringAsync()).ShouldNotMatch("(^|,|\n)[=+@]");
    }

    private static async Task<string[]> ListAsync(SignedIn asker, string query, string path = "/api/logs") =>
        [.. (await asker.Http.GetFromJsonAsync<JsonElement>(path + query)).GetProperty("items").EnumerateArray().Select(e =>
            $"{e.GetProperty("actor").GetString()} {e.GetProperty("action").GetString()} {e.GetProperty("device_id").GetString()}")];

    private static async Task TryAsync(SignedIn who, string path, string deviceId)
    {
        using var answer = await who.Http.PostAsJsonAsync(path, new { device_id = deviceId });
        ((int)answer.StatusCode).ShouldBeInRange(400, 499);
    }

    private static async Task RegisterAsync(SignedIn owner, params string[] deviceIds)
    {
        foreach (var deviceId in deviceIds)
        {
            using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = $"Door {deviceId}" });
            answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        }
    }
}
