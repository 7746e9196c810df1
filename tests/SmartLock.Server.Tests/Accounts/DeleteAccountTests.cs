using System.Net;
using System.Net.Http.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class DeleteAccountTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task A_deleted_account_is_gone_at_once_and_its_name_is_not_given_again()
    {
        await using var app = await StartAsync();
        var (login, elsewhere) = (await LoggedIn.SignInAsync(app, "anna"), await LoggedIn.SignInAsync(app, "anna"));
        await elsewhere.ShouldBeAliveAsync();

        using var deleted = await DeleteAsync(login);

        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await login.ShouldBeAliveAsync(false);
        await elsewhere.ShouldBeAliveAsync(false);
        using var signIn = await app.Http.PostAsJsonAsync("/api/auth/login", new { username = "anna", password = TestApp.Password });
        await signIn.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        using var again = await app.Http.PostAsJsonAsync("/api/auth/register", new { username = "ANNA", password = TestApp.Password });
        await again.ShouldBeProblemAsync(HttpStatusCode.Conflict, "username_taken");
        LoggedIn.Log(app).ShouldContain("account.delete done");
    }

    [Fact]
    public async Task It_takes_the_password()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");

        using var wrong = await DeleteAsync(login, "not the password");
        using var nothing = await login.SendAsync(HttpMethod.Delete, "/api/me");

        await wrong.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "invalid_credentials");
        nothing.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        await login.ShouldBeAliveAsync();
    }

    [Fact]
    public async Task Who_owns_locks_stays_whoever_deletes()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        var boss = await app.AdminAsync();
        using var registered = await login.SendAsync(HttpMethod.Post, "/api/locks", new { device_id = "ESP32-1", name = "Door" });
        registered.StatusCode.ShouldBe(HttpStatusCode.Created);

        using var self = await DeleteAsync(login);
        using var byAdmin = await boss.Http.DeleteAsync("/api/admin/users/anna");

        await self.ShouldBeProblemAsync(HttpStatusCode.Conflict, "owns_locks");
        await byAdmin.ShouldBeProblemAsync(HttpStatusCode.Conflict, "owns_locks");
        await login.ShouldBeAliveAsync();
    }

    [Fact]
    public async Task An_admin_deletes_an_account()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        var boss = await app.AdminAsync();
        await login.ShouldBeAliveAsync();

        using var deleted = await boss.Http.DeleteAsync("/api/admin/users/ANNA");
        using var again = await boss.Http.DeleteAsync("/api/admin/users/anna");

        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await again.ShouldBeProblemAsync(HttpStatusCode.NotFound, "user_not_found");
        await login.ShouldBeAliveAsync(false);
    }

    private async Task<TestApp> StartAsync()
    {
        var app = await TestApp.StartAsync(_clock);
        await app.RegisterUserAsync("anna");
        return app;
    }

    private static Task<HttpResponseMessage> DeleteAsync(LoggedIn login, string password = TestApp.Password) =>
        login.SendAsync(HttpMethod.Delete, "/api/me", new { password });
}
