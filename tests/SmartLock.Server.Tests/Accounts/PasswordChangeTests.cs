using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class PasswordChangeTests
{
    private const string Path = "/api/me/password";
    private const string NewPassword = "quite another horse";
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task A_changed_password_ends_all_sessions_at_once_and_the_answer_is_a_new_one()
    {
        await using var app = await StartAsync();
        var (phone, thief) = (await LoggedIn.SignInAsync(app, "anna"), await LoggedIn.SignInAsync(app, "anna"));
        await thief.ShouldBeAliveAsync();
        using var stream = app.Services.GetRequiredService<RevocationWatcher>().Begin("anna", null);

        using var answer = await ChangeAsync(phone);

        var fresh = await LoggedIn.OfAsync(app, answer);
        await fresh.ShouldBeAliveAsync();
        (await fresh.GetAsync("/api/me/sessions")).GetProperty("items").GetArrayLength().ShouldBe(1);
        await phone.ShouldBeAliveAsync(false);
        await thief.ShouldBeAliveAsync(false);
        using var refresh = await thief.TryRefreshAsync();
        await refresh.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
        stream.Ended.IsCancellationRequested.ShouldBeTrue();
        using var old = await app.Http.PostAsJsonAsync("/api/auth/login", new { username = "anna", password = TestApp.Password });
        await old.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        await app.SignInAsync("anna", NewPassword);
        LoggedIn.Log(app).ShouldContain("account.password done");
    }

    [Fact]
    public async Task The_current_password_must_be_right_and_guessing_it_is_slowed_down()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        for (var i = 0; i < LoginThrottle.FreePerAccountAndAddress; i++)
        {
            using var wrong = await ChangeAsync(login, $"not the password {i}");
            await wrong.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "invalid_credentials");
        }

        using var tooSoon = await ChangeAsync(login);

        await tooSoon.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_requests");
        await login.ShouldBeAliveAsync();
        _clock.Advance(TimeSpan.FromSeconds(2));
        using var right = await ChangeAsync(login);
        right.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("password123")]
    [InlineData("xx-anna-xx-yy")]
    [InlineData(TestApp.Password)]
    public async Task A_new_password_against_the_rules_is_refused_by_name(string password)
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");

        using var answer = await ChangeAsync(login, next: password);

        await answer.ShouldBeInvalidAsync("new_password");
        await login.ShouldBeAliveAsync();
    }

    [Fact]
    public async Task Of_two_changes_at_once_one_wins_and_the_other_leaves_nothing()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => ChangeAsync(login, next: $"another horse no {i}")));

        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        var fresh = await LoggedIn.OfAsync(app, answers.Single(a => a.StatusCode == HttpStatusCode.OK));
        await fresh.ShouldBeAliveAsync();
    }

    [Fact]
    public async Task The_email_is_changed_and_removed_and_says_what_is_wrong_with_it()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");

        using var changed = await login.SendAsync(HttpMethod.Patch, "/api/me", new { email = "anna@example.org" });
        using var wrong = await login.SendAsync(HttpMethod.Patch, "/api/me", new { email = "anna" });
        using var missing = await login.SendAsync(HttpMethod.Patch, "/api/me", new { });
        (await changed.JsonAsync()).GetProperty("email").GetString().ShouldBe("anna@example.org");
        await wrong.ShouldBeInvalidAsync("email");
        await missing.ShouldBeInvalidAsync("email");
        using var removed = await login.SendAsync(HttpMethod.Patch, "/api/me", new { email = (string?)null });

        (await removed.JsonAsync()).GetProperty("email").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        (await login.GetAsync("/api/me")).GetProperty("second_factor").GetBoolean().ShouldBeFalse();
    }

    private static Task<HttpResponseMessage> ChangeAsync(LoggedIn login, string current = TestApp.Password, string next = NewPassword) =>
        login.SendAsync(HttpMethod.Post, Path, new { current_password = current, new_password = next });

    private async Task<TestApp> StartAsync()
    {
        var app = await TestApp.StartAsync(_clock);
        await app.RegisterUserAsync("anna");
        return app;
    }
}
