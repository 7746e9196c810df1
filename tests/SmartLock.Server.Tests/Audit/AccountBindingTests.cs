using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Server.Tests.Audit;

/// <summary>Who did what is as well proven as what was done: somebody who can write to the store cannot swap the people.</summary>
public sealed class AccountBindingTests
{
    [Theory]
    [InlineData("account_id")]
    [InlineData("username")]
    [InlineData("binding")]
    public async Task Swapped_accounts_are_found_and_no_entry_is_shown_under_the_others_name(string column)
    {
        await using var app = await TestApp.StartAsync();
        await WriteAsync(app, "ada", "D1");
        await WriteAsync(app, "bob", "D2");
        var admin = await app.AdminAsync();
        (await VerifyAsync(admin)).GetProperty("intact").GetBoolean().ShouldBeTrue();

        Swap(app, column);

        var report = await VerifyAsync(admin);
        report.GetProperty("intact").GetBoolean().ShouldBeFalse(report.ToString());
        report.GetProperty("broken_accounts").GetInt64().ShouldBe(2);
        report.GetProperty("accounts").EnumerateArray().ShouldAllBe(a => a.GetProperty("fault").GetString() == "altered");
        (await ActorsAsync(admin, "D1")).ShouldAllBe(actor => actor.StartsWith("altered:", StringComparison.Ordinal));
        var ofLock = await VerifyAsync(admin, "D1");
        ofLock.GetProperty("broken_accounts").GetInt64().ShouldBe(1, "the one that this lock's entries name");

        Swap(app, column);
        (await ActorsAsync(admin, "D1")).ShouldAllBe(actor => actor == "ada");
        (await VerifyAsync(admin)).GetProperty("intact").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task What_is_written_while_accounts_are_swapped_is_nobodys_for_good_and_the_door_opens_all_the_same()
    {
        await using var app = await TestApp.StartAsync();
        await WriteAsync(app, "ada", "D1");
        var bob = await WriteAsync(app, "bob", "D2");
        var admin = await app.AdminAsync();
        Swap(app, "account_id");

        using var attempt = await bob.Http.PostAsJsonAsync("/api/unlock", new { device_id = "D2" });

        attempt.StatusCode.ShouldBe(HttpStatusCode.Conflict, "as long as it is offline");
        Swap(app, "account_id");
        var actors = await ActorsAsync(admin, "D2");
        actors[0].ShouldMatch("^altered:[0-9a-f]{8}$");
        actors[1..].ShouldAllBe(actor => actor == "bob");
        var after = await VerifyAsync(admin);
        after.GetProperty("intact").GetBoolean().ShouldBeFalse();
        after.GetProperty("accounts").EnumerateArray().ShouldHaveSingleItem().GetProperty("fault").GetString().ShouldBe("written_while_altered");
    }

    [Theory]
    [InlineData("UPDATE users SET binding = NULL WHERE name_key = 'ADA'", "altered")]
    [InlineData("UPDATE users SET binding = zeroblob(32) WHERE name_key = 'ADA'", "altered")]
    [InlineData("UPDATE users SET username = 'Ada' WHERE name_key = 'ADA'", "altered")]
    [InlineData("DELETE FROM users WHERE name_key = 'ADA'", "missing")]
    [InlineData("UPDATE retired_accounts SET name_hash = '00'", "altered")]
    [InlineData("UPDATE retired_accounts SET binding = NULL", "altered")]
    [InlineData("DELETE FROM retired_accounts", "missing")]
    [InlineData("UPDATE users SET account_id = (SELECT account_id FROM retired_accounts) WHERE name_key = 'ADA'; DELETE FROM retired_accounts", "altered missing")]
    public async Task A_changed_or_removed_account_is_found(string sql, string faults)
    {
        await using var app = await TestApp.StartAsync();
        await WriteAsync(app, "ada", "D1");
        await app.RegisterUserAsync("gone");
        var admin = await app.AdminAsync();
        using var deleted = await admin.Http.DeleteAsync("/api/admin/users/gone");
        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await VerifyAsync(admin)).GetProperty("intact").GetBoolean().ShouldBeTrue();

        Tampering.Run(Path.Combine(app.DataFolder, "smartlock.db"), sql);

        var report = await VerifyAsync(admin);
        report.GetProperty("intact").GetBoolean().ShouldBeFalse(report.ToString());
        string.Join(' ', report.GetProperty("accounts").EnumerateArray().Select(a => a.GetProperty("fault").GetString()).Distinct().Order()).ShouldBe(faults);
        report.GetProperty("broken_chains").GetInt64().ShouldBe(0);
    }

    [Fact]
    public async Task Deleting_an_account_that_was_changed_does_not_mend_it()
    {
        await using var app = await TestApp.StartAsync();
        await app.RegisterUserAsync("ada");
        await app.RegisterUserAsync("bob");
        var admin = await app.AdminAsync();
        Swap(app, "account_id");

        using var deleted = await admin.Http.DeleteAsync("/api/admin/users/ada");

        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await VerifyAsync(admin)).GetProperty("accounts").EnumerateArray().Count(a => a.GetProperty("fault").GetString() == "altered").ShouldBe(2);
    }

    [Fact]
    public async Task The_whole_chain_of_the_accounts_is_missed()
    {
        await using var app = await TestApp.StartAsync();
        var admin = await app.AdminAsync();

        Tampering.Run(Path.Combine(app.DataFolder, "smartlock.db"), "DELETE FROM logs; DELETE FROM log_heads");

        (await VerifyAsync(admin)).GetProperty("broken").EnumerateArray().ShouldHaveSingleItem().GetProperty("device_id").GetString().ShouldBe("@accounts");
    }

    private static void Swap(TestApp app, string column) => Tampering.Run(
        Path.Combine(app.DataFolder, "smartlock.db"),
        $"""
        CREATE TEMP TABLE saved AS SELECT name_key, {column} FROM users;
        UPDATE users SET {column} = {column} || '-' WHERE name_key IN ('ADA', 'BOB');
        UPDATE users SET {column} = (SELECT {column} FROM saved WHERE saved.name_key = CASE users.name_key WHEN 'ADA' THEN 'BOB' ELSE 'ADA' END)
        WHERE name_key IN ('ADA', 'BOB');
        """);

    private static async Task<SignedIn> WriteAsync(TestApp app, string username, string deviceId)
    {
        var owner = await app.OwnerAsync(username);
        using var registered = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = "Door" });
        registered.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var attempt = await owner.Http.PostAsJsonAsync("/api/unlock", new { device_id = deviceId });
        attempt.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        return owner;
    }

    private static async Task<string[]> ActorsAsync(SignedIn admin, string deviceId) =>
        [.. (await admin.Http.GetFromJsonAsync<JsonElement>($"/api/admin/logs?device_id={deviceId}")).GetProperty("items").EnumerateArray()
            .Select(e => e.GetProperty("actor").GetString()!)];

    private static Task<JsonElement> VerifyAsync(SignedIn admin, string? deviceId = null) =>
        admin.Http.GetFromJsonAsync<JsonElement>("/api/admin/logs/verify" + (deviceId is null ? "" : $"?device_id={deviceId}"));
}
