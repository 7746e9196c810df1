using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class FirstAdminTests
{
    private const string Path = "/api/auth/first-admin";
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task The_token_makes_one_admin_and_then_no_more()
    {
        await using var app = await TestApp.StartAsync(_clock);
        var token = Open(app);

        using var made = await MakeAsync(app, token);
        using var again = await MakeAsync(app, token, "bert");

        made.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await made.Content.ReadAsStringAsync()).ShouldBe("""{"username":"alice","role":"admin"}""");
        await again.ShouldBeProblemAsync(HttpStatusCode.Gone, "setup_over");
        var alice = await app.SignInAsync("alice");
        (await alice.Http.GetAsync("/api/admin/users")).StatusCode.ShouldBe(HttpStatusCode.OK);
        app.Logs.All.ShouldNotContain(l => l.Text.Contains(token));
    }

    [Fact]
    public async Task Of_many_at_once_one_becomes_admin()
    {
        await using var app = await TestApp.StartAsync(_clock);
        var token = Open(app);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => MakeAsync(app, token, $"alice{i}")));

        answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Gone).ShouldBe(9);
    }

    [Fact]
    public async Task Another_token_makes_nobody_and_none_is_good_before_the_start_has_opened_it()
    {
        await using var app = await TestApp.StartAsync(_clock);
        using var closed = await MakeAsync(app, "");
        await closed.ShouldBeProblemAsync(HttpStatusCode.Gone, "setup_over");
        var token = Open(app);

        foreach (var wrong in new[] { "", "x", token + "A", token[1..], token.ToLowerInvariant() })
        {
            using var answer = await MakeAsync(app, wrong);
            await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_setup_token");
        }

        (await app.Services.GetRequiredService<IUserStore>().AnyAdminAsync(default)).ShouldBeFalse();
    }

    [Fact]
    public async Task The_token_is_good_for_a_day()
    {
        await using var app = await TestApp.StartAsync(_clock);
        var token = Open(app);
        _clock.Advance(TimeSpan.FromHours(24));

        using var late = await MakeAsync(app, token);
        using var page = await app.Http.GetAsync("/setup");

        await late.ShouldBeProblemAsync(HttpStatusCode.Gone, "setup_over");
        page.StatusCode.ShouldBe(HttpStatusCode.Gone);
    }

    [Fact]
    public async Task An_admin_made_otherwise_ends_it()
    {
        await using var app = await TestApp.StartAsync(_clock);
        var token = Open(app);
        await app.StoredUserAsync("boss", Role.Admin);

        using var late = await MakeAsync(app, token);
        using var page = await app.Http.GetAsync("/setup");

        await late.ShouldBeProblemAsync(HttpStatusCode.Gone, "setup_over");
        page.StatusCode.ShouldBe(HttpStatusCode.Gone);
        (await page.Content.ReadAsStringAsync()).ShouldNotContain("<form");
    }

    [Fact]
    public async Task Name_and_password_are_checked_and_faults_leave_the_token_good()
    {
        await using var app = await TestApp.StartAsync(_clock);
        await app.RegisterUserAsync("anna");
        var token = Open(app);

        using var wrong = await app.Http.PostAsJsonAsync(Path, new { token, username = "a", password = "short" });
        using var taken = await MakeAsync(app, token, "ANNA");
        using var right = await MakeAsync(app, token);

        await wrong.ShouldBeInvalidAsync("username", "password");
        await taken.ShouldBeProblemAsync(HttpStatusCode.Conflict, "username_taken");
        right.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task The_page_runs_its_own_script_and_nothing_else()
    {
        await using var app = await TestApp.StartAsync(_clock);
        Open(app);

        using var page = await app.Http.GetAsync("/setup");

        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        page.Content.Headers.ContentType!.ToString().ShouldBe("text/html; charset=utf-8");
        page.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var html = await page.Content.ReadAsStringAsync();
        var policy = page.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
        policy.ShouldStartWith("default-src 'none'; ");
        policy.ShouldNotContain("unsafe");
        policy.ShouldContain($"'sha256-{HashBetween(html, "<script>", "</script>")}'");
        policy.ShouldContain($"'sha256-{HashBetween(html, "<style>", "</style>")}'");
        html.ShouldNotContain("http://");
        html.ShouldNotContain("https://");
        html.ShouldNotContain(" style=");
        html.ShouldNotContain(" onclick");
        html.ShouldNotContain("used up");
        foreach (var id in new[] { "username", "password", "again" })
        {
            html.ShouldContain($"""<label for="{id}">""");
        }
    }

    private static string Open(TestApp app) => app.Services.GetRequiredService<FirstAdminSetup>().Open();

    private static Task<HttpResponseMessage> MakeAsync(TestApp app, string token, string username = "alice") =>
        app.Http.PostAsJsonAsync(Path, new { token, username, password = TestApp.Password });

    private static string HashBetween(string html, string begin, string end)
    {
        var from = html.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        var text = html[from..html.IndexOf(end, StringComparison.Ordinal)];
        return Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
    }
}
