using System.Net;
using System.Net.Http.Json;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class RefreshTests
{
    private const string Path = "/api/auth/refresh";
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task A_refresh_token_gives_a_new_pair_whose_access_token_works()
    {
        await using var app = await StartAsync();
        var first = await LoggedIn.SignInAsync(app, "anna");
        _clock.Advance(TimeSpan.FromMinutes(20));
        await first.ShouldBeAliveAsync(false);

        var second = await first.RefreshAsync();

        second.Refresh.ShouldNotBe(first.Refresh);
        await second.ShouldBeAliveAsync();
        app.Logs.All.ShouldNotContain(l => l.Text.Contains(first.Refresh) || l.Text.Contains(second.Refresh));
    }

    [Fact]
    public async Task A_stolen_token_used_a_second_time_ends_the_whole_family_at_once()
    {
        await using var app = await StartAsync();
        var elsewhere = await LoggedIn.SignInAsync(app, "anna");
        var stolen = await LoggedIn.SignInAsync(app, "anna");
        var thief = await stolen.RefreshAsync();
        await thief.ShouldBeAliveAsync();

        using var owner = await stolen.TryRefreshAsync();

        await owner.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
        await thief.ShouldBeAliveAsync(false);
        using var again = await thief.TryRefreshAsync();
        await again.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
        await elsewhere.ShouldBeAliveAsync();
        LoggedIn.Log(app)[^1].ShouldBe("session.reuse session ended");
    }

    [Fact]
    public async Task Of_two_hundred_equal_refreshes_at_once_one_succeeds()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => login.TryRefreshAsync()));

        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(199);
        LoggedIn.Log(app).Count(l => l.StartsWith("session.reuse", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task A_session_lives_as_long_as_it_is_refreshed_and_a_month_beyond()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        for (var i = 0; i < 4; i++)
        {
            _clock.SetForward(TimeSpan.FromDays(29));
            login = await login.RefreshAsync();
        }

        _clock.SetForward(TimeSpan.FromDays(30));
        using var late = await login.TryRefreshAsync();

        await late.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
    }

    [Theory]
    [InlineData("""{"refresh_token":""}""")]
    [InlineData("""{"refresh_token":"x"}""")]
    [InlineData("""{"refresh_token":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""")]
    [InlineData("""{"refresh_token":null}""")]
    [InlineData("{}")]
    public async Task What_is_no_token_is_refused(string body)
    {
        await using var app = await StartAsync();

        using var answer = await app.Http.PostTextAsync(Path, body);

        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
    }

    [Fact]
    public async Task A_browser_keeps_its_token_in_a_cookie_that_no_script_reads()
    {
        await using var app = await StartAsync();
        using var browser = NewBrowser(app);
        var body = new { username = "anna", password = TestApp.Password, refresh_in_cookie = true };

        using var login = await browser.PostAsJsonAsync("/api/auth/login", body);
        var first = Cookie(login);
        using var refreshed = await SendWithCookieAsync(browser, Path, first);
        var second = Cookie(refreshed);
        using var old = await SendWithCookieAsync(browser, Path, first);

        (await login.JsonAsync()).GetProperty("refresh_token").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        var attributes = login.Headers.GetValues("Set-Cookie").Single().ToLowerInvariant();
        attributes.ShouldContain("; httponly");
        attributes.ShouldContain("; samesite=strict");
        attributes.ShouldContain("; path=/api/auth");
        attributes.ShouldContain("; max-age=2592000");
        attributes.ShouldNotContain("secure", customMessage: "this app is served by HTTP");
        (await refreshed.JsonAsync()).GetProperty("refresh_token").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        second.ShouldNotBe(first);
        await old.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
        old.Headers.GetValues("Set-Cookie").Single().ShouldStartWith($"{RefreshCookie.PlainName}=; expires=Thu, 01 Jan 1970");
    }

    [Fact]
    public async Task Behind_a_proxy_that_speaks_https_the_cookie_is_one_that_no_http_answer_can_plant()
    {
        await using var app = await StartAsync();
        using var browser = NewBrowser(app);
        browser.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");

        using var login = await browser.PostAsJsonAsync(
            "/api/auth/login", new { username = "anna", password = TestApp.Password, refresh_in_cookie = true });
        using var planted = await SendWithCookieAsync(browser, Path, Cookie(login).Replace("__Secure-", "", StringComparison.Ordinal));
        using var refreshed = await SendWithCookieAsync(browser, Path, Cookie(login));

        var cookie = login.Headers.GetValues("Set-Cookie").Single();
        cookie.ShouldStartWith("__Secure-smartlock_refresh=");
        cookie.ToLowerInvariant().ShouldContain("; secure");
        await planted.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
        refreshed.StatusCode.ShouldBe(HttpStatusCode.OK);
        login.Headers.GetValues("Strict-Transport-Security").ShouldBe(["max-age=31536000"]);
    }

    [Fact]
    public async Task Over_http_nothing_is_said_of_strict_transport()
    {
        await using var app = await StartAsync();

        using var answer = await app.Http.GetAsync("/health/live");

        answer.Headers.Contains("Strict-Transport-Security").ShouldBeFalse();
    }

    [Theory]
    [InlineData("http", RefreshCookie.PlainName)]
    [InlineData("https", RefreshCookie.SecureName)]
    public async Task Two_cookies_of_the_name_are_refused_and_end_nothing(string scheme, string name)
    {
        await using var app = await StartAsync();
        using var browser = NewBrowser(app);
        browser.DefaultRequestHeaders.Add("X-Forwarded-Proto", scheme);
        using var login = await browser.PostAsJsonAsync(
            "/api/auth/login", new { username = "anna", password = TestApp.Password, refresh_in_cookie = true });

        foreach (var path in new[] { Path, "/api/auth/logout" })
        {
            using var refused = await SendWithCookieAsync(browser, path, $"{name}=planted; other=1; {Cookie(login)}");
            await refused.ShouldBeInvalidAsync("cookie");
            using var behind = await SendWithCookieAsync(browser, path, $"{Cookie(login)}; {name}=planted");
            await behind.ShouldBeInvalidAsync("cookie");
        }

        using var refreshed = await SendWithCookieAsync(browser, Path, Cookie(login));
        refreshed.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Signing_out_ends_the_session_of_the_access_token_at_once()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        await login.ShouldBeAliveAsync();

        using var answer = await login.SendAsync(HttpMethod.Post, "/api/auth/logout");

        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await login.ShouldBeAliveAsync(false);
        using var refresh = await login.TryRefreshAsync();
        await refresh.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
    }

    [Fact]
    public async Task Signing_out_by_a_refresh_token_works_without_an_access_token_and_twice()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");

        using var first = await app.Http.PostAsJsonAsync("/api/auth/logout", new { refresh_token = login.Refresh });
        using var second = await app.Http.PostAsJsonAsync("/api/auth/logout", new { refresh_token = login.Refresh });
        using var nothing = await app.Http.PostAsync("/api/auth/logout", null);

        first.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        second.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await nothing.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await login.ShouldBeAliveAsync(false);
    }

    [Fact]
    public async Task Signing_out_by_the_cookie_takes_it_away()
    {
        await using var app = await StartAsync();
        using var browser = NewBrowser(app);
        using var login = await browser.PostAsJsonAsync(
            "/api/auth/login", new { username = "anna", password = TestApp.Password, refresh_in_cookie = true });

        using var answer = await SendWithCookieAsync(browser, "/api/auth/logout", Cookie(login));
        using var after = await SendWithCookieAsync(browser, Path, Cookie(login));

        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        answer.Headers.GetValues("Set-Cookie").Single().ShouldContain("expires=Thu, 01 Jan 1970");
        await after.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
    }

    [Theory]
    [InlineData("same-site")]
    [InlineData("cross-site")]
    public async Task A_page_of_another_origin_neither_refreshes_nor_signs_out_by_the_cookie(string site)
    {
        await using var app = await StartAsync();
        using var browser = NewBrowser(app);
        using var login = await browser.PostAsJsonAsync(
            "/api/auth/login", new { username = "anna", password = TestApp.Password, refresh_in_cookie = true });

        using var refresh = await SendWithCookieAsync(browser, Path, Cookie(login), site);
        using var logout = await SendWithCookieAsync(browser, "/api/auth/logout", Cookie(login), site);
        using var own = await SendWithCookieAsync(browser, Path, Cookie(login), "same-origin");

        await refresh.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
        refresh.Headers.Contains("Set-Cookie").ShouldBeFalse();
        await logout.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        own.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Signing_out_with_a_token_in_the_body_ends_the_cookies_session_as_well()
    {
        await using var app = await StartAsync();
        using var browser = NewBrowser(app);
        var other = await LoggedIn.SignInAsync(app, "anna");
        using var login = await browser.PostAsJsonAsync(
            "/api/auth/login", new { username = "anna", password = TestApp.Password, refresh_in_cookie = true });

        using var wrong = await SendWithCookieAsync(browser, Path, Cookie(login), body: new { refresh_token = "x" });
        using var logout = await SendWithCookieAsync(browser, "/api/auth/logout", Cookie(login), body: new { refresh_token = other.Refresh });
        using var after = await SendWithCookieAsync(browser, Path, Cookie(login));

        wrong.Headers.Contains("Set-Cookie").ShouldBeFalse("the cookie was not what was refused");
        logout.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await other.ShouldBeAliveAsync(false);
        await after.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
    }

    [Fact]
    public async Task Whatever_is_under_way_when_an_admin_disables_the_account_ends_without_a_session()
    {
        for (var round = 0; round < 4; round++)
        {
            await using var app = await StartAsync();
            var boss = await app.AdminAsync();
            var logins = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LoggedIn.SignInAsync(app, "anna")));

            var refreshes = logins.Select(l => l.TryRefreshAsync()).ToList();
            var signIns = Enumerable.Range(0, 4)
                .Select(_ => app.Http.PostAsJsonAsync("/api/auth/login", new { username = "anna", password = TestApp.Password }));
            var disable = boss.Http.PatchAsJsonAsync("/api/admin/users/anna", new { disabled = true });
            var answers = await Task.WhenAll([.. refreshes, .. signIns]);
            (await disable).StatusCode.ShouldBe(HttpStatusCode.OK);

            foreach (var answer in answers.Where(a => a.StatusCode == HttpStatusCode.OK))
            {
                var held = await LoggedIn.OfAsync(app, answer);
                await held.ShouldBeAliveAsync(false);
                using var refresh = await held.TryRefreshAsync();
                await refresh.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_refresh_token");
            }

            answers.ShouldAllBe(a => (int)a.StatusCode < 500);
        }
    }

    private async Task<TestApp> StartAsync()
    {
        var app = await TestApp.StartAsync(_clock);
        await app.RegisterUserAsync("anna");
        return app;
    }

    /// <summary>The tests carry the cookie themselves, to see what is sent.</summary>
    private static HttpClient NewBrowser(TestApp app) => new(new HttpClientHandler { UseCookies = false }) { BaseAddress = app.Address };

    private static string Cookie(HttpResponseMessage answer) => answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];

    private static async Task<HttpResponseMessage> SendWithCookieAsync(
        HttpClient browser, string path, string cookie, string? site = null, object? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Add("Cookie", cookie);
        request.Content = body is null ? null : JsonContent.Create(body);
        if (site is not null)
        {
            request.Headers.Add("Sec-Fetch-Site", site);
        }

        return await browser.SendAsync(request);
    }
}
