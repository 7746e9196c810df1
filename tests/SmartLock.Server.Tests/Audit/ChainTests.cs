using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Server.Tests.Audit;

/// <summary>What verification finds when the log was changed behind the server's back.</summary>
public sealed class ChainTests
{
    private const string Row = "device_id, seq, time, actor, action, result, command_id, target, previous_hash, hash";

    [Fact]
    public async Task An_untouched_log_is_intact_and_shows_its_links()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await WriteLogAsync(app);

        var report = await VerifyAsync(await app.AdminAsync());

        report.GetProperty("intact").GetBoolean().ShouldBeTrue(report.ToString());
        report.GetProperty("entries").GetInt64().ShouldBeGreaterThanOrEqualTo(12);
        report.GetProperty("broken").GetArrayLength().ShouldBe(0);
        var entries = (await owner.Http.GetFromJsonAsync<JsonElement>("/api/logs?device_id=D1")).GetProperty("items").EnumerateArray().Reverse().ToList();
        entries.Select(e => e.GetProperty("sequence").GetInt64()).ShouldBe(Enumerable.Range(1, 6).Select(i => (long)i));
        entries[0].GetProperty("previous_hash").GetString().ShouldBe(new string('0', 64));
        for (var i = 1; i < entries.Count; i++)
        {
            entries[i].GetProperty("previous_hash").GetString().ShouldBe(entries[i - 1].GetProperty("hash").GetString());
        }
    }

    [Theory]
    [InlineData("UPDATE logs SET result = 'sent' WHERE device_id = 'D1' AND seq = 3", "D1 3 altered")]
    [InlineData("UPDATE logs SET time = time + 1 WHERE device_id = 'D1' AND seq = 3", "D1 3 altered")]
    [InlineData("UPDATE logs SET actor = 'user:00' WHERE device_id = 'D1' AND seq = 3", "D1 3 altered")]
    [InlineData("UPDATE logs SET action = 'command.lock' WHERE device_id = 'D1' AND seq = 3", "D1 3 altered")]
    [InlineData("UPDATE logs SET command_id = '' WHERE device_id = 'D1' AND seq = 3", "D1 3 altered")]
    [InlineData("UPDATE logs SET target = 'x' WHERE device_id = 'D1' AND seq = 3", "D1 3 altered")]
    [InlineData("UPDATE logs SET hash = zeroblob(32) WHERE device_id = 'D1' AND seq = 3", "D1 3 altered")]
    [InlineData("UPDATE logs SET previous_hash = zeroblob(32) WHERE device_id = 'D1' AND seq = 3", "D1 3 altered")]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1' AND seq = 3", "D1 3 missing")]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1' AND seq = 1", "D1 1 missing")]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1' AND seq > 4", "D1 5 cut_off")]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1'", "D1 1 cut_off")]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1'; DELETE FROM log_heads WHERE device_id = 'D1'", "D1 1 cut_off")]
    [InlineData("DELETE FROM log_heads WHERE device_id = 'D1'", "D1 6 end_altered")]
    [InlineData("UPDATE logs SET seq = 100 - seq WHERE device_id = 'D1' AND seq IN (3, 4); UPDATE logs SET seq = seq - 93 WHERE seq IN (96, 97)", "D1 3 altered")]
    [InlineData("UPDATE logs SET id = 900 WHERE device_id = 'D1' AND seq = 3", "D1 4 misplaced")]
    [InlineData($"INSERT INTO logs ({Row}) SELECT device_id, 7, time, actor, action, result, command_id, target, hash, hash FROM logs WHERE device_id = 'D1' AND seq = 6", "D1 7 altered")]
    [InlineData($"INSERT INTO logs ({Row}) SELECT device_id, 0, time, actor, action, result, command_id, target, previous_hash, hash FROM logs WHERE device_id = 'D1' AND seq = 1", "D1 1 missing")]
    [InlineData($"INSERT INTO logs ({Row}) SELECT 'D3', seq, time, actor, action, result, command_id, target, previous_hash, hash FROM logs WHERE device_id = 'D1' AND seq = 1", "D3 1 altered")]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1' AND seq = 6; UPDATE log_heads SET seq = 5, hash = (SELECT hash FROM logs WHERE device_id = 'D1' AND seq = 5) WHERE device_id = 'D1'", "D1 5 end_altered")]
    public async Task The_first_faulty_entry_is_named(string sql, string expected)
    {
        await using var app = await TestApp.StartAsync();
        await WriteLogAsync(app);
        var admin = await app.AdminAsync();

        Tampering.Run(Path.Combine(app.DataFolder, "smartlock.db"), sql);

        var report = await VerifyAsync(admin);
        report.GetProperty("intact").GetBoolean().ShouldBeFalse(report.ToString());
        Describe(report).ShouldBe([expected], report.ToString());
        Describe(await VerifyAsync(admin, expected.Split(' ')[0])).ShouldBe([expected]);
        (await VerifyAsync(admin, "D2")).GetProperty("intact").GetBoolean().ShouldBeTrue();
    }

    [Theory]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1' AND seq = 6; UPDATE log_heads SET seq = 5, hash = (SELECT hash FROM logs WHERE device_id = 'D1' AND seq = 5) WHERE device_id = 'D1'")]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1' AND seq = 6")]
    [InlineData("DELETE FROM log_heads WHERE device_id = 'D1'")]
    [InlineData("DELETE FROM logs WHERE device_id = 'D1'")]
    [InlineData("UPDATE log_heads SET seq = 3 WHERE device_id = 'D1'")]
    public async Task Writing_on_neither_fails_nor_mends_a_chain_whose_end_was_changed(string sql)
    {
        await using var app = await TestApp.StartAsync();
        var owner = await WriteLogAsync(app);
        var admin = await app.AdminAsync();
        Tampering.Run(Path.Combine(app.DataFolder, "smartlock.db"), sql);

        for (var i = 0; i < 3; i++)
        {
            using var attempt = await owner.Http.PostAsJsonAsync("/api/unlock", new { device_id = "D1" });
            attempt.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        }

        var broken = (await VerifyAsync(admin)).GetProperty("broken").EnumerateArray().ShouldHaveSingleItem();
        broken.GetProperty("device_id").GetString().ShouldBe("D1");
    }

    [Fact]
    public async Task Chains_hold_while_many_write_to_one_lock_and_to_many()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await WriteLogAsync(app);
        var admin = await app.AdminAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(i =>
            owner.Http.PostAsJsonAsync(i % 2 == 0 ? "/api/lock" : "/api/unlock", new { device_id = $"D{(i % 3) + 1}" })));

        answers.ShouldAllBe(a => (int)a.StatusCode < 500);
        var report = await VerifyAsync(admin);
        report.GetProperty("intact").GetBoolean().ShouldBeTrue(report.ToString());
        // Refusals of strangers are thinned out: those of the one lock that is not the owner's, down to the first twenty.
        report.GetProperty("entries").GetInt64().ShouldBeGreaterThanOrEqualTo(200 + Locks.RefusalRecordsTests.Free);
    }

    [Fact]
    public async Task Only_admins_verify_and_read_everything()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await WriteLogAsync(app);

        foreach (var path in new[] { "/api/admin/logs", "/api/admin/logs/export", "/api/admin/logs/verify" })
        {
            using var refused = await owner.Http.GetAsync(path);
            await refused.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
            using var anonymous = await app.Http.GetAsync(path);
            anonymous.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }
    }

    /// <summary>Two locks with six entries each.</summary>
    private static async Task<SignedIn> WriteLogAsync(TestApp app)
    {
        var owner = await app.OwnerAsync("ada");
        foreach (var deviceId in new[] { "D1", "D2" })
        {
            using var registered = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = "Door" });
            registered.StatusCode.ShouldBe(HttpStatusCode.Created);
            for (var i = 0; i < 5; i++)
            {
                using var attempt = await owner.Http.PostAsJsonAsync("/api/unlock", new { device_id = deviceId });
                attempt.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            }
        }

        return owner;
    }

    private static Task<JsonElement> VerifyAsync(SignedIn admin, string? deviceId = null) =>
        admin.Http.GetFromJsonAsync<JsonElement>("/api/admin/logs/verify" + (deviceId is null ? "" : $"?device_id={deviceId}"));

    private static IEnumerable<string> Describe(JsonElement report) => report.GetProperty("broken").EnumerateArray().Select(b =>
        $"{b.GetProperty("device_id").GetString()} {b.GetProperty("sequence").GetInt64()} {b.GetProperty("fault").GetString()}");
}
