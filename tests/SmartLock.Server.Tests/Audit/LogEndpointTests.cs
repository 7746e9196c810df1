using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Server.Tests.Audit;

public sealed class LogEndpointTests
{
    [Fact]
    public async Task An_owner_reads_the_log_of_own_locks_newest_first()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var stranger = await app.OwnerAsync();
        await RegisterAsync(owner, "D1", "D2");
        await RegisterAsync(stranger, "E1");

        (await DeviceIdsAsync(owner, "/api/logs")).ShouldBe(["D2", "D1"]);
        (await DeviceIdsAsync(owner, "/api/logs?device_id=D1")).ShouldBe(["D1"]);
        (await DeviceIdsAsync(owner, "/api/logs?device_id=E1")).ShouldBeEmpty();
        (await DeviceIdsAsync(owner, "/api/logs?device_id=nowhere")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_strangers_attempt_is_seen_by_the_owner_only()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var stranger = await app.OwnerAsync("eve");
        await RegisterAsync(owner, "D1");

        using var attempt = await stranger.Http.PostAsJsonAsync("/api/unlock", new { device_id = "D1" });

        attempt.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        var newest = (await owner.Http.GetFromJsonAsync<JsonElement>("/api/logs?limit=1")).GetProperty("items")[0];
        newest.GetProperty("actor").GetString().ShouldBe("eve");
        newest.GetProperty("action").GetString().ShouldBe("command.unlock");
        newest.GetProperty("result").GetString().ShouldBe("refused: not found");
        newest.GetProperty("command_id").ValueKind.ShouldBe(JsonValueKind.Null);
        (await DeviceIdsAsync(stranger, "/api/logs")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Pages_follow_each_other_while_the_log_grows()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await RegisterAsync(owner, "D1", "D2", "D3");
        var first = await owner.Http.GetFromJsonAsync<JsonElement>("/api/logs?limit=2");
        await RegisterAsync(owner, "D4");

        var cursor = first.GetProperty("next").GetString();
        var second = await owner.Http.GetFromJsonAsync<JsonElement>($"/api/logs?limit=2&cursor={cursor}");

        first.GetProperty("items").EnumerateArray().Select(DeviceId).ShouldBe(["D3", "D2"]);
        second.GetProperty("items").EnumerateArray().Select(DeviceId).ShouldBe(["D1"]);
        second.GetProperty("next").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_cursor_that_was_changed_in_any_place_or_is_another_lists_is_refused()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await RegisterAsync(owner, "D1", "D2", "D3");
        var cursor = (await owner.Http.GetFromJsonAsync<JsonElement>("/api/logs?limit=1")).GetProperty("next").GetString()!;
        var locksCursor = (await owner.Http.GetFromJsonAsync<JsonElement>("/api/locks?limit=1")).GetProperty("next").GetString()!;
        var mangled = Enumerable.Range(0, cursor.Length)
            .Select(i => cursor[..i] + (cursor[i] == 'A' ? 'B' : 'A') + cursor[(i + 1)..])
            .Concat([locksCursor, cursor + "A", cursor + "=", cursor[1..], cursor[..^1]]);

        foreach (var bad in mangled)
        {
            using var answer = await owner.Http.GetAsync($"/api/logs?cursor={bad}");
            answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest, bad);
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
            problem.GetProperty("errors").EnumerateObject().ShouldHaveSingleItem().Name.ShouldBe("cursor");
        }
    }

    private static async Task<string[]> DeviceIdsAsync(SignedIn asker, string path) =>
        [.. (await asker.Http.GetFromJsonAsync<JsonElement>(path)).GetProperty("items").EnumerateArray().Select(DeviceId)];

    private static string DeviceId(JsonElement entry) => entry.GetProperty("device_id").GetString()!;

    private static async Task RegisterAsync(SignedIn owner, params string[] deviceIds)
    {
        foreach (var deviceId in deviceIds)
        {
            using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = $"Door {deviceId}" });
            answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        }
    }
}
