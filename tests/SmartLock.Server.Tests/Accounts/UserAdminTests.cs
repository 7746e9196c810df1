using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class UserAdminTests
{
    private const string Path = "/api/admin/users";
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task Accounts_are_for_admins_only()
    {
        await using var app = await StartAsync();
        var anna = await LoggedIn.SignInAsync(app, "anna");

        foreach (var (method, path) in new[]
        {
            (HttpMethod.Get, Path), (HttpMethod.Get, Path + "/anna"), (HttpMethod.Patch, Path + "/anna"),
            (HttpMethod.Delete, Path + "/anna"), (HttpMethod.Delete, Path + "/anna/second-factor"),
        })
        {
            using var answer = await anna.SendAsync(method, path, method == HttpMethod.Patch ? new { role = "admin" } : null);
            await answer.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        }
    }

    [Fact]
    public async Task Accounts_are_listed_in_pages_and_by_filter()
    {
        await using var app = await StartAsync();
        var boss = await app.AdminAsync();
        await app.RegisterUserAsync("annabel");
        await app.StoredUserAsync("bert", disabled: true);

        var first = await JsonAsync(boss, "?limit=2");
        var second = await JsonAsync(boss, $"?limit=2&cursor={first.GetProperty("next").GetString()}");

        Names(first).ShouldBe(["anna", "annabel"]);
        Names(second).ShouldBe(["bert", "boss"]);
        second.GetProperty("next").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        Names(await JsonAsync(boss, "?role=admin")).ShouldBe(["boss"]);
        Names(await JsonAsync(boss, "?disabled=true")).ShouldBe(["bert"]);
        Names(await JsonAsync(boss, "?search=ANN&disabled=false&role=user")).ShouldBe(["anna", "annabel"]);
        (await boss.Http.GetStringAsync(Path + "/ANNA")).ShouldStartWith("""{"username":"anna","email":null,"role":"user","disabled":false,"created_at":"2026-""");
        foreach (var (query, field) in new[] { ("role=owner", "role"), ("role=1", "role"), ("disabled=maybe", "disabled"), ("limit=0", "limit"), ("cursor=x", "cursor"), ($"search={new string('a', 33)}", "search") })
        {
            using var wrong = await boss.Http.GetAsync($"{Path}?{query}");
            await wrong.ShouldBeInvalidAsync(field);
        }
    }

    [Fact]
    public async Task A_disabled_account_is_refused_at_once_whatever_token_it_holds()
    {
        await using var app = await StartAsync();
        var boss = await app.AdminAsync();
        var anna = await LoggedIn.SignInAsync(app, "anna");
        await anna.ShouldBeAliveAsync();
        using var stream = app.Services.GetRequiredService<RevocationWatcher>().Begin("anna", null);

        using var disabled = await ChangeAsync(boss, "ANNA", new { disabled = true });

        disabled.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await disabled.JsonAsync()).GetProperty("disabled").GetBoolean().ShouldBeTrue();
        await anna.ShouldBeAliveAsync(false);
        stream.Ended.IsCancellationRequested.ShouldBeTrue();
        using var refresh = await anna.TryRefreshAsync();
        await refresh.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
        using var enabled = await ChangeAsync(boss, "anna", new { disabled = false });
        await anna.ShouldBeAliveAsync(false);
        await app.SignInAsync("anna");
        LoggedIn.Log(app).Where(l => l.StartsWith("account.disable", StringComparison.Ordinal) || l.StartsWith("account.enable", StringComparison.Ordinal))
            .ShouldBe(["account.disable done", "account.enable done"]);
    }

    [Fact]
    public async Task A_disabled_admin_may_do_nothing_more_with_a_token_that_is_still_good()
    {
        await using var app = await StartAsync();
        var (boss, rogue) = (await app.AdminAsync(), await app.AdminAsync("rogue"));
        await JsonAsync(rogue, "");

        using var disabled = await ChangeAsync(boss, "rogue", new { disabled = true });
        using var strike = await ChangeAsync(rogue, "boss", new { disabled = true });

        await strike.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_role_takes_effect_at_once_and_keeps_the_session()
    {
        await using var app = await StartAsync();
        var boss = await app.AdminAsync();
        var anna = await LoggedIn.SignInAsync(app, "anna");
        await anna.ShouldBeAliveAsync();

        using var promoted = await ChangeAsync(boss, "anna", new { role = "admin" });
        (await anna.GetAsync(Path)).GetProperty("items").GetArrayLength().ShouldBe(2);
        using var demoted = await ChangeAsync(boss, "anna", new { role = "user" });
        using var refused = await anna.SendAsync(HttpMethod.Get, Path);

        await refused.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        LoggedIn.Log(app).Where(l => l.StartsWith("account.role", StringComparison.Ordinal)).ShouldBe(["account.role admin", "account.role user"]);
    }

    [Fact]
    public async Task The_last_admin_can_be_neither_disabled_nor_demoted_nor_deleted()
    {
        await using var app = await StartAsync();
        var boss = await app.AdminAsync();

        using var disabled = await ChangeAsync(boss, "boss", new { disabled = true });
        using var demoted = await ChangeAsync(boss, "boss", new { role = "user" });
        using var deleted = await boss.Http.DeleteAsync(Path + "/boss");
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/api/me") { Content = JsonContent.Create(new { password = TestApp.Password }) };
        using var self = await boss.Http.SendAsync(request);

        foreach (var answer in new[] { disabled, demoted, deleted, self })
        {
            await answer.ShouldBeProblemAsync(HttpStatusCode.Conflict, "last_admin");
        }
    }

    [Fact]
    public async Task Of_two_admins_who_disable_each_other_at_once_one_remains()
    {
        for (var round = 0; round < 5; round++)
        {
            await using var app = await StartAsync();
            var (one, other) = (await app.AdminAsync("one"), await app.AdminAsync("other"));

            var answers = await Task.WhenAll(ChangeAsync(one, "other", new { disabled = true }), ChangeAsync(other, "one", new { disabled = true }));

            answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
            var admins = await app.Services.GetRequiredService<IUserStore>().ListAsync(new UserFilter(Role.Admin, Disabled: false), null, 10, default);
            admins.Items.Count.ShouldBe(1);
        }
    }

    [Fact]
    public async Task Who_does_not_exist_is_not_found_and_nothing_to_change_is_said()
    {
        await using var app = await StartAsync();
        var boss = await app.AdminAsync();
        foreach (var name in new[] { "nobody-here", "x", "%F0%9F%94%92", new string('a', 300) })
        {
            using var read = await boss.Http.GetAsync($"{Path}/{name}");
            using var changed = await ChangeAsync(boss, name, new { disabled = true });
            using var deleted = await boss.Http.DeleteAsync($"{Path}/{name}");
            await read.ShouldBeProblemAsync(HttpStatusCode.NotFound, "user_not_found");
            await changed.ShouldBeProblemAsync(HttpStatusCode.NotFound, "user_not_found");
            await deleted.ShouldBeProblemAsync(HttpStatusCode.NotFound, "user_not_found");
        }

        using var empty = await ChangeAsync(boss, "anna", new { });
        await empty.ShouldBeInvalidAsync("body");
        using var wrong = await ChangeAsync(boss, "anna", new { role = "owner" });
        await wrong.ShouldBeInvalidAsync("role");
    }

    private async Task<TestApp> StartAsync()
    {
        var app = await TestApp.StartAsync(_clock);
        await app.RegisterUserAsync("anna");
        return app;
    }

    private static Task<HttpResponseMessage> ChangeAsync(SignedIn admin, string username, object change) =>
        admin.Http.PatchAsJsonAsync($"{Path}/{username}", change);

    private static Task<System.Text.Json.JsonElement> JsonAsync(SignedIn admin, string query) =>
        admin.Http.GetFromJsonAsync<System.Text.Json.JsonElement>(Path + query);

    private static string[] Names(System.Text.Json.JsonElement page) =>
        [.. page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("username").GetString()!)];
}
