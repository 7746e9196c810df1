using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class SessionTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task Sessions_are_listed_with_the_one_that_asks_marked()
    {
        await using var app = await StartAsync();
        var first = await LoggedIn.SignInAsync(app, "anna");
        _clock.Advance(TimeSpan.FromMinutes(1));
        var second = await SignInAsAsync(app, "SmartLockApp/1.0 (Android 16)");

        var items = (await second.GetAsync("/api/me/sessions")).GetProperty("items").EnumerateArray().ToList();

        items.Select(i => i.GetProperty("current").GetBoolean()).ShouldBe([true, false]);
        items[0].GetProperty("user_agent").GetString().ShouldBe("SmartLockApp/1.0 (Android 16)");
        items[1].GetProperty("user_agent").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        items[0].GetProperty("address").GetString().ShouldBe("127.0.0.1");
        await first.ShouldBeAliveAsync();
    }

    [Theory]
    [InlineData(300, 120)]
    [InlineData(120, 120)]
    [InlineData(3, 3)]
    public async Task What_a_client_calls_itself_is_cut(int length, int kept)
    {
        await using var app = await StartAsync();
        var login = await SignInAsAsync(app, new string('a', length));

        var item = (await login.GetAsync("/api/me/sessions")).GetProperty("items")[0];

        item.GetProperty("user_agent").GetString()!.Length.ShouldBe(kept);
    }

    [Fact]
    public async Task One_session_is_signed_out_from_another_and_nobody_elses()
    {
        await using var app = await StartAsync();
        await app.RegisterUserAsync("bert");
        var (phone, laptop, bert) = (await LoggedIn.SignInAsync(app, "anna"), await LoggedIn.SignInAsync(app, "anna"), await LoggedIn.SignInAsync(app, "bert"));
        await phone.ShouldBeAliveAsync();
        var id = await CurrentIdAsync(phone);

        using var foreign = await bert.SendAsync(HttpMethod.Delete, $"/api/me/sessions/{id}");
        await foreign.ShouldBeProblemAsync(HttpStatusCode.NotFound, "session_not_found");
        await phone.ShouldBeAliveAsync();
        using var own = await laptop.SendAsync(HttpMethod.Delete, $"/api/me/sessions/{id}");
        own.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var again = await laptop.SendAsync(HttpMethod.Delete, $"/api/me/sessions/{id}");
        await again.ShouldBeProblemAsync(HttpStatusCode.NotFound, "session_not_found");
        using var nonsense = await laptop.SendAsync(HttpMethod.Delete, "/api/me/sessions/%F0%9F%94%92");
        await nonsense.ShouldBeProblemAsync(HttpStatusCode.NotFound, "session_not_found");
        await phone.ShouldBeAliveAsync(false);
        await laptop.ShouldBeAliveAsync();
    }

    [Fact]
    public async Task All_others_are_signed_out_at_once_and_their_connections_hear_of_it()
    {
        await using var app = await StartAsync();
        var (phone, laptop) = (await LoggedIn.SignInAsync(app, "anna"), await LoggedIn.SignInAsync(app, "anna"));
        await phone.ShouldBeAliveAsync();
        var ends = app.Services.GetRequiredService<RevocationWatcher>();
        using var phonesStream = ends.Begin("anna", await CurrentIdAsync(phone));
        using var laptopsStream = ends.Begin("anna", await CurrentIdAsync(laptop));

        using var answer = await laptop.SendAsync(HttpMethod.Delete, "/api/me/sessions");

        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await phone.ShouldBeAliveAsync(false);
        await laptop.ShouldBeAliveAsync();
        phonesStream.Ended.IsCancellationRequested.ShouldBeTrue();
        laptopsStream.Ended.IsCancellationRequested.ShouldBeFalse();
    }

    [Fact]
    public async Task One_session_too_many_signs_the_oldest_out_at_once()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: "--Accounts:MaxSessions=2");
        await app.RegisterUserAsync("anna");
        var logins = new List<LoggedIn>();
        for (var i = 0; i < 3; i++)
        {
            logins.Add(await LoggedIn.SignInAsync(app, "anna"));
            await logins[i].ShouldBeAliveAsync();
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        await logins[0].ShouldBeAliveAsync(false);
        await logins[1].ShouldBeAliveAsync();
        await logins[2].ShouldBeAliveAsync();
    }

    [Fact]
    public async Task What_another_process_ends_lingers_for_five_seconds_at_most()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        var id = await CurrentIdAsync(login);

        (await app.Services.GetRequiredService<ISessionStore>().EndAsync("anna", id, default)).ShouldBe(EndSessionOutcome.Ended);

        await login.ShouldBeAliveAsync();
        _clock.Advance(SessionCache.Remembered);
        await login.ShouldBeAliveAsync(false);
    }

    [Fact]
    public async Task Old_apps_that_know_no_refresh_token_push_out_no_session_that_is_in_use()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: ["--Accounts:MaxSessions=3", "--Original:Enabled=true"]);
        await app.RegisterUserAsync("anna");
        var phone = await LoggedIn.SignInAsync(app, "anna");
        for (var quarter = 0; quarter < 8; quarter++)
        {
            using var answer = await app.Http.PostAsJsonAsync("/auth/login", new { username = "anna", password = TestApp.Password });
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            _clock.Advance(TimeSpan.FromMinutes(15));
            await app.Services.GetRequiredService<SessionExpiry>().RunAsync(default);
        }

        await (await phone.RefreshAsync()).ShouldBeAliveAsync();
    }

    [Fact]
    public async Task An_answer_read_before_a_change_is_not_remembered_after_it()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        var id = await CurrentIdAsync(login);
        var store = new HeldSessionStore(app.Services.GetRequiredService<ISessionStore>());
        using var active = new SessionCache(store, _clock);

        var reading = active.FindAsync(id, default).AsTask();
        await store.HasRead.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await store.EndAsync("anna", id, default);
        active.Forget("anna", id);
        store.GoOn.SetResult();

        (await reading.WaitAsync(TimeSpan.FromSeconds(20))).ShouldNotBeNull("it was asked before");
        (await active.FindAsync(id, default)).ShouldBeNull();
    }

    [Fact]
    public async Task Sessions_outlive_the_server()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-test-").FullName;
        try
        {
            LoggedIn login;
            await using (var app = await TestApp.StartAsync(_clock, settings: $"--Data:Folder={folder}"))
            {
                await app.RegisterUserAsync("anna");
                login = await LoggedIn.SignInAsync(app, "anna");
            }

            await using var restarted = await TestApp.StartAsync(_clock, settings: $"--Data:Folder={folder}");
            login = login with { App = restarted };
            await login.ShouldBeAliveAsync();
            await (await login.RefreshAsync()).ShouldBeAliveAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Expired_sessions_are_deleted_by_the_job()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        var store = app.Services.GetRequiredService<ISessionStore>();
        _clock.SetForward(TimeSpan.FromDays(31));

        await app.Services.GetRequiredService<SessionExpiry>().RunAsync(default);

        (await store.ListAsync("anna", DateTimeOffset.UnixEpoch, default)).ShouldBeEmpty();
        await login.ShouldBeAliveAsync(false);
    }

    private async Task<TestApp> StartAsync()
    {
        var app = await TestApp.StartAsync(_clock);
        await app.RegisterUserAsync("anna");
        return app;
    }

    private static async Task<LoggedIn> SignInAsAsync(TestApp app, string userAgent)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/login");
        request.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        request.Content = JsonContent.Create(new { username = "anna", password = TestApp.Password });
        using var answer = await app.Http.SendAsync(request);
        return await LoggedIn.OfAsync(app, answer);
    }

    private static async Task<string> CurrentIdAsync(LoggedIn login) => (await login.GetAsync("/api/me/sessions")).GetProperty("items")
        .EnumerateArray().Single(i => i.GetProperty("current").GetBoolean()).GetProperty("session_id").GetString()!;
}
