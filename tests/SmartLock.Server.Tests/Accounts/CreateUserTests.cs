using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Server.Tests.Accounts;

public sealed class CreateUserTests
{
    [Fact]
    public async Task Where_registration_is_closed_admins_make_the_accounts_and_it_is_on_the_record()
    {
        await using var app = await TestApp.StartAsync("--Accounts:OpenRegistration=false", "--Original:Enabled=true");
        var admin = await app.AdminAsync();

        using var stranger = await app.Http.PostAsJsonAsync("/api/auth/register", new { username = "ada", password = TestApp.Password });
        using var original = await app.Http.PostAsJsonAsync("/auth/signup", new { username = "ada", password = TestApp.Password });
        using var made = await admin.Http.PostAsJsonAsync("/api/admin/users", new { username = "Ada", password = TestApp.Password, email = "ada@example.org" });

        await stranger.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "registration_closed");
        original.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        made.StatusCode.ShouldBe(HttpStatusCode.Created);
        made.Headers.Location!.ToString().ShouldBe("/api/admin/users/Ada");
        var account = await made.JsonAsync();
        (account.GetProperty("username").GetString(), account.GetProperty("role").GetString()).ShouldBe(("Ada", "user"));
        await app.SignInAsync("ada");
        var log = await admin.Http.GetFromJsonAsync<JsonElement>("/api/admin/logs?action=account.register&limit=1");
        var entry = log.GetProperty("items")[0];
        (entry.GetProperty("actor").GetString(), entry.GetProperty("target").GetString()).ShouldBe((admin.Username, "Ada"));
    }

    [Fact]
    public async Task An_admin_is_held_to_the_same_rules_and_may_make_admins()
    {
        await using var app = await TestApp.StartAsync();
        var admin = await app.AdminAsync();

        using var weak = await admin.Http.PostAsJsonAsync("/api/admin/users", new { username = "a", password = "short" });
        using var second = await admin.Http.PostAsJsonAsync("/api/admin/users", new { username = "second", password = TestApp.Password, role = "admin" });
        using var again = await admin.Http.PostAsJsonAsync("/api/admin/users", new { username = "SECOND", password = TestApp.Password });

        await weak.ShouldBeInvalidAsync("username", "password");
        second.StatusCode.ShouldBe(HttpStatusCode.Created);
        await again.ShouldBeProblemAsync(HttpStatusCode.Conflict, "username_taken");
        var signedIn = await app.SignInAsync("second");
        using var users = await signedIn.Http.GetAsync("/api/admin/users");
        users.StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
