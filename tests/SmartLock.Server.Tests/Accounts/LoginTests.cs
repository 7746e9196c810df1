using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class LoginTests
{
    private const string Path = "/api/auth/login";

    [Fact]
    public async Task Signing_in_gives_a_token_that_says_who_one_is()
    {
        await using var app = await TestApp.StartAsync();
        await app.RegisterUserAsync("Anna");

        using var answer = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = TestApp.Password });

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var login = await answer.JsonAsync();
        login.EnumerateObject().Select(m => m.Name).ShouldBe(
            ["access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in", "username", "role"]);
        login.GetProperty("token_type").GetString().ShouldBe("Bearer");
        login.GetProperty("expires_in").GetInt32().ShouldBe(900);
        login.GetProperty("username").GetString().ShouldBe("Anna");
        login.GetProperty("role").GetString().ShouldBe("user");
        var signedIn = app.SignedInWith("Anna", login.GetProperty("access_token").GetString()!);
        (await signedIn.Http.GetStringAsync("/api/me")).ShouldStartWith("""{"username":"Anna","role":"user","email":null,"created_at":"20""");
    }

    [Fact]
    public async Task A_wrong_name_and_a_wrong_password_get_the_same_answer()
    {
        await using var app = await TestApp.StartAsync();
        await app.RegisterUserAsync("anna");

        using var wrongName = await app.Http.PostAsJsonAsync(Path, new { username = "nobody-here", password = TestApp.Password });
        using var wrongPassword = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = "not the password" });
        using var tooLong = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = new string('x', 10_000) });

        foreach (var answer in new[] { wrongName, wrongPassword, tooLong })
        {
            var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
            problem.GetProperty("detail").GetString().ShouldBe("The name or the password is wrong.");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("anna\0")]
    [InlineData("%")]
    [InlineData("' OR 1=1 --")]
    [InlineData("\u202eanna")]
    public async Task A_name_that_nobody_can_have_is_wrong_like_any_other(string username)
    {
        await using var app = await TestApp.StartAsync();
        await app.RegisterUserAsync("anna");

        using var answer = await app.Http.PostAsJsonAsync(Path, new { username, password = TestApp.Password });

        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
    }

    [Fact]
    public async Task A_missing_account_costs_a_hash_like_an_existing_one()
    {
        var hasher = new CountingHasher();
        await using var app = await TestApp.StartAsync(
            null, builder => builder.Services.AddSingleton<IPasswordHasher<User>>(hasher));
        await app.RegisterUserAsync("anna");

        using var first = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = "not the password" });
        var forExisting = hasher.Verified;
        using var second = await app.Http.PostAsJsonAsync(Path, new { username = "nobody-here", password = "not the password" });

        forExisting.ShouldBe(1);
        hasher.Verified.ShouldBe(2);
    }

    [Fact]
    public async Task A_disabled_account_is_told_so_only_with_the_right_password()
    {
        await using var app = await TestApp.StartAsync();
        var hash = app.Services.GetRequiredService<IPasswordHasher<User>>().HashPassword(null!, TestApp.Password);
        var user = new User("anna", null, hash, Role.User, DateTimeOffset.UnixEpoch, Disabled: true);
        await app.Services.GetRequiredService<IUserStore>().CreateAsync(user, user.Username, default);

        using var right = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = TestApp.Password });
        using var wrong = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = "not the password" });

        await right.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "account_disabled");
        await wrong.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
    }

    [Fact]
    public async Task An_older_hash_is_renewed_when_its_owner_signs_in()
    {
        await using var app = await TestApp.StartAsync("--Accounts:PasswordIterations=120000");
        var weaker = new PasswordHasher<User>(Options.Create(new PasswordHasherOptions { IterationCount = 1000 }));
        var users = app.Services.GetRequiredService<IUserStore>();
        var before = new User("anna", null, weaker.HashPassword(null!, TestApp.Password), Role.User, DateTimeOffset.UnixEpoch, false);
        await users.CreateAsync(before, before.Username, default);

        await app.SignInAsync("anna");

        var after = await users.FindAsync("anna", default);
        after!.PasswordHash.ShouldNotBe(before.PasswordHash);
        app.Services.GetRequiredService<IPasswordHasher<User>>()
            .VerifyHashedPassword(after, after.PasswordHash, TestApp.Password).ShouldBe(PasswordVerificationResult.Success);
        await app.SignInAsync("anna");
    }

    [Fact]
    public async Task Guessing_at_one_account_is_slowed_down_and_its_owner_gets_in_after_the_wait()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        await app.RegisterUserAsync("anna");
        for (var i = 0; i < LoginThrottle.FreePerAccountAndAddress; i++)
        {
            using var wrong = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = $"not the password {i}" });
            await wrong.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        }

        using var tooSoon = await app.Http.PostAsJsonAsync(Path, new { username = "ANNA", password = TestApp.Password });

        await tooSoon.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_requests");
        clock.Advance(tooSoon.Headers.RetryAfter!.Delta!.Value);
        await app.SignInAsync("anna");
    }

    [Fact]
    public async Task Strangers_who_hammer_an_account_do_not_hold_its_owner_out()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        await app.RegisterUserAsync("anna");
        var slowdown = app.Services.GetRequiredService<LoginThrottle>();
        for (var i = 0; i < 1_000; i++)
        {
            using var attempt = slowdown.TryBegin("anna", $"198.51.100.{i % 256}", isKnown: false, out _);
            attempt?.Failed();
        }

        await app.SignInAsync("anna");
    }

    [Fact]
    public async Task Attempts_that_the_store_could_not_answer_do_not_count()
    {
        var broken = new BrokenUserStore();
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock, builder =>
        {
            var real = builder.Services.Last(d => d.ServiceType == typeof(IUserStore));
            builder.Services.AddSingleton<IUserStore>(services =>
                broken.Around((IUserStore)ActivatorUtilities.CreateInstance(services, real.ImplementationType!)));
        });
        await app.RegisterUserAsync("anna");
        broken.IsBroken = true;
        for (var i = 0; i < 50; i++)
        {
            using var answer = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = TestApp.Password });
            await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "store_unavailable");
        }

        broken.IsBroken = false;
        await app.SignInAsync("anna");
    }

    [Fact]
    public async Task Refused_attempts_at_an_account_are_on_the_record_and_those_at_nobody_are_not()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        await app.RegisterUserAsync("anna");
        for (var i = 0; i < 20; i++)
        {
            using var wrong = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = "not the password" });
            using var nobody = await app.Http.PostAsJsonAsync(Path, new { username = "nobody-here", password = "not the password" });
        }

        clock.Advance(TimeSpan.FromMinutes(2));
        await app.SignInAsync("anna");

        LoggedIn.Log(app).ShouldBe(
        [
            "account.register user", .. Enumerable.Repeat("account.login refused: password", LoginThrottle.FreePerAccountAndAddress), "account.login done",
        ]);
    }

    [Fact]
    public async Task A_siege_from_many_addresses_does_not_fill_the_log()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        await app.RegisterUserAsync("anna");
        for (var i = 0; i < 3 * LoginThrottle.FreeRecords; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = JsonContent.Create(new { username = "anna", password = "not the password" }) };
            request.Headers.Add("X-Forwarded-For", $"2001:db8:{i:x}::1");
            using var answer = await app.Http.SendAsync(request);
            await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        }

        LoggedIn.Log(app).Count(l => l == "account.login refused: password").ShouldBe(LoginThrottle.FreeRecords);
    }

    private sealed class CountingHasher : IPasswordHasher<User>
    {
        private readonly PasswordHasher<User> _real = new();
        private int _verified;

        public int Verified => _verified;

        public string HashPassword(User user, string password) => _real.HashPassword(user, password);

        public PasswordVerificationResult VerifyHashedPassword(User user, string hashedPassword, string providedPassword)
        {
            Interlocked.Increment(ref _verified);
            return _real.VerifyHashedPassword(user, hashedPassword, providedPassword);
        }
    }
}
