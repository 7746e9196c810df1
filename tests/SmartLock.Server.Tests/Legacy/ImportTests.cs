using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Locks;
using SmartLock.Server.Legacy.Import;

namespace SmartLock.Server.Tests.Legacy;

public sealed class ImportTests : IAsyncLifetime
{
    private const string WeakPassword = "1234";
    private static readonly ImportOptions Apply = new(Apply: true);
    private readonly FirstSystem _original = new();
    private TestApp _app = null!;

    public async ValueTask InitializeAsync() => _app = await TestApp.StartAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task Who_moved_over_signs_in_as_before_and_has_the_same_locks()
    {
        _original.Add("lena", email: "lena@example.org").Add("chief", admin: true).AddLock("device-1", "lena", "Hall").AddLock("device-2", "chief");

        var report = await RunAsync(Apply);

        report.Brought(ImportKind.Users).ShouldBe(2);
        report.Brought(ImportKind.Locks).ShouldBe(2);
        var lena = await _app.SignInAsync("lena");
        var mine = (await lena.Http.GetFromJsonAsync<JsonElement>("/api/locks")).GetProperty("items");
        mine.EnumerateArray().Select(l => (l.GetProperty("device_id").GetString(), l.GetProperty("name").GetString(), l.GetProperty("unsigned").GetBoolean()))
            .ShouldBe([("device-1", "Hall", false)]);
        (await lena.Http.GetAsync("/api/admin/users")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        var account = await UsersOf().FindAsync("lena", default);
        (account!.Email, account.CreatedAt).ShouldBe(("lena@example.org", FirstSystem.Begun));
        using var rotated = await lena.Http.PostAsJsonAsync("/api/locks/device-1/rotate-key", new { });
        (await rotated.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!.Length.ShouldBe(64, "so its owner gets the board's key");
        (await (await _app.SignInAsync("chief")).Http.GetAsync("/api/admin/users")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task What_was_done_stands_in_the_chain_for_admins_and_not_in_the_log_of_an_owner_who_may_not_have_had_the_lock_then()
    {
        _original.Add("lena").Add("max").AddLock("device-1", "lena").AddCommand("device-1", "max", "LOCK").AddCommand("device-1", "u0").AddCommand("device-1", "gone");
        _original.Heartbeats = 7;

        var report = await RunAsync(Apply);

        (await LogAsync("device-1")).ShouldBe(
        [
            "max command.lock imported",
            "lena command.unlock imported",
            "original:unknown command.unlock imported",
            "system lock.register imported > lena",
        ]);
        var entries = (await _app.Services.GetRequiredService<IAuditStore>().ListAllAsync(new AuditFilter("device-1"), null, 10, default)).Items;
        entries[^1].Time.ShouldBe(FirstSystem.Begun.AddHours(1));
        var seen = (await (await _app.SignInAsync("lena")).Http.GetFromJsonAsync<JsonElement>("/api/logs")).GetProperty("items");
        seen.EnumerateArray().Select(e => e.GetProperty("action").GetString()).ShouldBe(["lock.register"]);
        (await _app.Services.GetRequiredService<AuditVerification>().RunAsync(null, default)).IsIntact.ShouldBeTrue();
        report.ToString().ShouldContain("7 of heartbeats left out");
    }

    [Fact]
    public async Task Without_apply_the_same_is_said_and_nothing_is_written()
    {
        _original.Add("lena").Add("max", WeakPassword).AddLock("device-1", "lena").AddCommand("device-1", "lena");

        var dry = await RunAsync(new ImportOptions(Apply: false));

        (await UsersOf().FindAsync("lena", default)).ShouldBeNull();
        (await LogAsync("device-1")).ShouldBeEmpty();
        var applied = await RunAsync(Apply);
        dry.ToString().Replace("to bring over", "brought over", StringComparison.Ordinal).ShouldBe(applied.ToString());
    }

    [Fact]
    public async Task Run_again_it_brings_what_is_new_and_leaves_the_rest_as_it_has_become()
    {
        _original.Add("lena").Add("max").AddLock("device-1", "lena").AddLock("device-2", "lena").AddCommand("device-1", "lena");
        await RunAsync(Apply);
        var lena = await _app.SignInAsync("lena");
        (await lena.Http.PostAsJsonAsync("/api/me/password", new { current_password = TestApp.Password, new_password = "another good one" })).IsSuccessStatusCode.ShouldBeTrue();
        lena = await _app.SignInAsync("lena", "another good one");
        (await lena.Http.DeleteAsync("/api/locks/device-2")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        _original.Add("nina").AddLock("device-3", "nina").AddCommand("device-1", "max").AddCommand("device-3", "nina");

        var report = await RunAsync(Apply);

        (report.Brought(ImportKind.Users), report.There(ImportKind.Users)).ShouldBe((1, 2));
        (report.Brought(ImportKind.Locks), report.There(ImportKind.Locks), report.LeftOut(ImportKind.Locks)).ShouldBe((1, 1, 1));
        report.ToString().ShouldContain("have been removed here: device-2");
        (await LogAsync("device-1")).Count(e => e.Contains("command", StringComparison.Ordinal)).ShouldBe(1);
        await _app.SignInAsync("lena", "another good one");
        (await lena.Http.GetAsync("/api/locks/device-2")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Broken_off_anywhere_it_ends_as_if_it_had_not_been()
    {
        _original.Add("lena").AddLock("device-1", "lena");
        for (var i = 0; i < 1_203; i++)
        {
            _original.AddCommand("device-1", "lena", i % 2 == 0 ? "LOCK" : "UNLOCK");
        }

        foreach (var rows in new[] { 1, 501, 1_100 })
        {
            _original.DiesAfter = rows;
            await Should.ThrowAsync<OperationCanceledException>(() => RunAsync(Apply));
        }

        _original.DiesAfter = null;
        await RunAsync(Apply);
        await RunAsync(Apply);

        var store = _app.Services.GetRequiredService<IAuditStore>();
        var chain = await store.ReadChainsAsync("device-1", null, 2_000, default);
        chain.Count.ShouldBe(1_204);
        chain.Select(row => row.Entry.Time).ShouldBeInOrder();
        (await _app.Services.GetRequiredService<AuditVerification>().RunAsync(null, default)).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task Nobody_gets_the_locks_of_a_namesake()
    {
        await _app.RegisterUserAsync("lena");
        _original.Add("lena").Add("Max").Add("max").AddLock("device-1", "lena").AddLock("device-2", "max").AddLock("device-3", "Max").AddLock("device-4", null);
        _original.AddCommand("device-2", "max");

        var report = await RunAsync(Apply);

        (report.Brought(ImportKind.Users), report.LeftOut(ImportKind.Users)).ShouldBe((1, 2));
        (await _app.Services.GetRequiredService<ILockAdminStore>().ListAsync(null, null, null, 10, default)).Items
            .Select(l => (l.DeviceId, l.Owner)).ShouldBe([("device-3", "Max")]);
        var text = report.ToString();
        text.ShouldContain("1 whose name is another account's here, or was: lena");
        text.ShouldContain("1 whose name differs from an earlier user's by case at most: max");
        text.ShouldContain("2 whose owner is not brought over: device-1, device-2");
        text.ShouldContain("1 without an owner: device-4");
        text.ShouldContain("1 of locks that are not brought over");
    }

    [Fact]
    public async Task A_weak_password_leaves_its_account_disabled_unless_the_operator_takes_it_and_never_an_admins()
    {
        _original.Add("lena", WeakPassword).Add("chief", WeakPassword, admin: true).AddLock("device-1", "lena");

        var report = await RunAsync(Apply);

        report.ToString().ShouldContain("2 accounts disabled: their password is against the rules: lena, chief");
        (await UsersOf().FindAsync("lena", default))!.Disabled.ShouldBeTrue();
        (await _app.Services.GetRequiredService<SmartLock.Server.Heartbeats.IDeviceStore>().FindAsync("device-1", default)).ShouldNotBeNull();
        var boss = await _app.AdminAsync();
        (await boss.Http.PatchAsJsonAsync("/api/admin/users/lena", new { disabled = false })).StatusCode.ShouldBe(HttpStatusCode.OK);
        await _app.SignInAsync("lena", WeakPassword);

        await using var other = await TestApp.StartAsync();
        await other.Services.GetRequiredService<LegacyImport>().RunAsync(_original, new ImportOptions(Apply: true, AcceptWeakPasswords: true), default);
        await other.SignInAsync("lena", WeakPassword);
        (await other.Services.GetRequiredService<IUserStore>().FindAsync("chief", default))!.Disabled.ShouldBeTrue();
    }

    [Fact]
    public async Task What_cannot_be_brought_over_is_counted_with_its_reason_and_without_passwords()
    {
        const string Secret = "hunter2hunter2x";
        _original.Add(null).Add("ab", Secret).Add("admin", Secret).Add("la na", Secret).Add("nopass", null).Add("evil\u001b[2J", Secret).Add("lena", Secret, email: "nonsense");
        _original.Users.Add(new LegacyUser("x", null, "late", Secret, null, false));
        _original.AddLock("a/b", "lena").AddLock(null, "lena").AddLock("device-1", "lena", "").AddLock("device-2", "ab");
        _original.AddCommand("device-1", "lena", "OPEN").AddCommand("device-1", "lena", time: DateTimeOffset.UnixEpoch).AddCommand(null, "lena").AddCommand("device-1", "lena", "unlock");

        var report = await RunAsync(Apply);

        (report.Brought(ImportKind.Users), report.LeftOut(ImportKind.Users)).ShouldBe((1, 7));
        (report.Brought(ImportKind.Locks), report.LeftOut(ImportKind.Locks)).ShouldBe((1, 3));
        (report.Brought(ImportKind.Commands), report.LeftOut(ImportKind.Commands)).ShouldBe((1, 3));
        var text = report.ToString();
        text.ShouldNotContain(Secret);
        text.ShouldNotContain("\u001b");
        text.ShouldContain("1 locks named after their device id, for want of a name that can be one: device-1");
        text.ShouldContain("1 accounts without their e-mail address, which is none: lena");
        _app.Logs.All.ShouldAllBe(l => !l.Text.Contains(Secret, StringComparison.Ordinal));
        _original.Users[1].ToString().ShouldNotContain(Secret);
        foreach (var file in Directory.EnumerateFiles(_app.DataFolder, "*.db*"))
        {
            File.ReadAllText(file, System.Text.Encoding.Latin1).Contains(Secret, StringComparison.Ordinal).ShouldBeFalse(file);
        }
    }

    [Fact]
    public async Task A_deleted_account_a_waiting_device_and_a_strangers_lock_stay_what_they_are()
    {
        _original.Add("lena").Add("gone").AddLock("device-1", "lena").AddLock("device-2", "lena").AddLock("device-3", "gone");
        var gone = await _app.OwnerAsync("gone");
        (await gone.Http.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/api/me") { Content = JsonContent.Create(new { password = TestApp.Password }) }))
            .IsSuccessStatusCode.ShouldBeTrue();
        var boss = await _app.AdminAsync();
        (await boss.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = "device-1" })).StatusCode.ShouldBe(HttpStatusCode.Created);
        var eve = await _app.OwnerAsync("eve");
        (await eve.Http.PostAsJsonAsync("/api/locks", new { device_id = "device-2", name = "Mine" })).StatusCode.ShouldBe(HttpStatusCode.Created);

        var text = (await RunAsync(Apply)).ToString();

        text.ShouldContain("1 whose name is another account's here, or was: gone");
        text.ShouldContain("1 under whose id a prepared device waits here: device-1");
        text.ShouldContain("1 whose id is that of somebody else's lock here: device-2");
        (await eve.Http.GetAsync("/api/locks/device-2")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private Task<ImportReport> RunAsync(ImportOptions options) =>
        _app.Services.GetRequiredService<LegacyImport>().RunAsync(_original, options, default);

    private IUserStore UsersOf() => _app.Services.GetRequiredService<IUserStore>();

    /// <summary>Oldest first.</summary>
    private async Task<string[]> LogAsync(string deviceId)
    {
        var page = await _app.Services.GetRequiredService<IAuditStore>().ListAllAsync(new AuditFilter(deviceId), null, 100, default);
        return [.. page.Items.Reverse().Select(e => $"{e.Actor} {e.Action} {e.Result}{(e.Target is null ? "" : $" > {e.Target}")}")];
    }
}
