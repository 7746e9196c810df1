using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using SmartLock.Server.Accounts;
using SmartLock.Server.Tests.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class SecondFactorTests
{
    private const string Path = "/api/me/second-factor";
    private readonly FakeClock _clock = new();
    private byte[] _secret = [];
    private string[] _recoveryCodes = [];

    [Fact]
    public async Task Enabling_it_takes_the_password_and_a_first_code()
    {
        await using var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");

        using var wrong = await login.SendAsync(HttpMethod.Post, Path, new { password = "not the password" });
        await wrong.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "invalid_credentials");
        using var unasked = await login.SendAsync(HttpMethod.Post, Path + "/confirm", new { code = "123456" });
        await unasked.ShouldBeProblemAsync(HttpStatusCode.Conflict, "second_factor_not_pending");
        using var begun = await login.SendAsync(HttpMethod.Post, Path, new { password = TestApp.Password });
        var pending = await begun.JsonAsync();
        var secret = pending.GetProperty("secret").GetString()!;
        pending.GetProperty("uri").GetString().ShouldBe(
            $"otpauth://totp/SmartLock:anna?secret={secret}&issuer=SmartLock&algorithm=SHA1&digits=6&period=30");
        QrModules.InSvg(pending.GetProperty("qr_svg").GetString()!).ShouldBe(QrModules.Of(pending.GetProperty("uri").GetString()!));
        begun.Headers.CacheControl!.NoStore.ShouldBeTrue();
        await app.SignInAsync("anna");
        _secret = Authenticator.SecretOf(secret);
        using var wrongCode = await login.SendAsync(HttpMethod.Post, Path + "/confirm", new { code = Other(Code()) });
        await wrongCode.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "invalid_second_factor");
        using var confirmed = await login.SendAsync(HttpMethod.Post, Path + "/confirm", new { code = Code() });

        (await confirmed.JsonAsync()).GetProperty("recovery_codes").GetArrayLength().ShouldBe(10);
        (await login.GetAsync("/api/me")).GetProperty("second_factor").GetBoolean().ShouldBeTrue();
        using var again = await login.SendAsync(HttpMethod.Post, Path, new { password = TestApp.Password });
        await again.ShouldBeProblemAsync(HttpStatusCode.Conflict, "second_factor_enabled");
        LoggedIn.Log(app).ShouldContain("second_factor.enable done");
        app.Logs.All.ShouldNotContain(l => l.Text.Contains(secret));
    }

    [Fact]
    public async Task That_there_is_one_is_told_only_to_who_knows_the_password()
    {
        await using var app = await EnabledAsync();

        using var wrong = await SignInAsync(app, "not the password", Code());
        using var missing = await SignInAsync(app);
        using var wrongCode = await SignInAsync(app, code: Other(Code()));
        using var right = await SignInAsync(app, code: Code());

        await wrong.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        await missing.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "second_factor_required");
        await wrongCode.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_second_factor");
        right.StatusCode.ShouldBe(HttpStatusCode.OK);
        LoggedIn.Log(app).ShouldContain("account.login refused: second factor");
    }

    [Fact]
    public async Task A_code_is_good_once_and_so_is_none_before_it()
    {
        await using var app = await EnabledAsync();
        var (before, now) = (Code(-1), Code());

        using var first = await SignInAsync(app, code: now);
        using var replayed = await SignInAsync(app, code: now);
        using var older = await SignInAsync(app, code: before);

        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        await replayed.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_second_factor");
        await older.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_second_factor");
    }

    [Fact]
    public async Task Of_many_who_use_a_code_at_once_one_gets_in()
    {
        await using var app = await EnabledAsync();
        var code = Code();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => SignInAsync(app, code: code)));

        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.ShouldAllBe(a => a.StatusCode == HttpStatusCode.OK || a.StatusCode == HttpStatusCode.Unauthorized || a.StatusCode == HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task A_recovery_code_is_good_once()
    {
        await using var app = await EnabledAsync();

        using var first = await SignInAsync(app, recoveryCode: _recoveryCodes[3].ToLowerInvariant());
        using var second = await SignInAsync(app, recoveryCode: _recoveryCodes[3]);
        using var another = await SignInAsync(app, recoveryCode: _recoveryCodes[4]);

        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        await second.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_second_factor");
        another.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Of_many_who_use_a_recovery_code_at_once_one_gets_in()
    {
        await using var app = await EnabledAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => SignInAsync(app, recoveryCode: _recoveryCodes[0])));

        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(4);
    }

    [Fact]
    public async Task Guessing_codes_is_slowed_down_and_a_recovery_code_still_gets_in()
    {
        await using var app = await EnabledAsync();
        for (var i = 0; i < LoginThrottle.FreeCodes; i++)
        {
            using var wrong = await SignInAsync(app, code: Other(Code()));
            await wrong.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_second_factor");
            // Past the waits for the address, which double up to a minute; not past those for the codes.
            _clock.Advance(i < LoginThrottle.FreeCodes - 1 ? TimeSpan.FromMinutes(1) : TimeSpan.Zero);
        }

        using var tooSoon = await SignInAsync(app, code: Code());
        await tooSoon.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_requests");
        _clock.Advance(tooSoon.Headers.RetryAfter!.Delta!.Value);
        using var recovered = await SignInAsync(app, recoveryCode: _recoveryCodes[0]);
        recovered.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_new_password_takes_the_present_one_and_a_code()
    {
        await using var app = await EnabledAsync();
        using var signIn = await SignInAsync(app, code: Code());
        var login = await LoggedIn.OfAsync(app, signIn);
        const string Next = "quite another horse";
        _clock.Advance(TimeSpan.FromSeconds(60));

        using var without = await ChangeAsync(null);
        using var wrong = await ChangeAsync(Other(Code()));
        await login.ShouldBeAliveAsync();
        using var right = await ChangeAsync(Code());

        await without.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "second_factor_required");
        await wrong.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "invalid_second_factor");
        right.StatusCode.ShouldBe(HttpStatusCode.OK, await right.Content.ReadAsStringAsync());
        await login.ShouldBeAliveAsync(false);
        using var recovered = await (await LoggedIn.OfAsync(app, right)).SendAsync(
            HttpMethod.Post,
            "/api/me/password",
            new { current_password = Next, new_password = "a third horse altogether", recovery_code = _recoveryCodes[0] });
        recovered.StatusCode.ShouldBe(HttpStatusCode.OK);

        Task<HttpResponseMessage> ChangeAsync(string? code) =>
            login.SendAsync(HttpMethod.Post, "/api/me/password", new { current_password = TestApp.Password, new_password = Next, code });
    }

    [Fact]
    public async Task Doing_without_it_takes_password_and_code()
    {
        await using var app = await EnabledAsync();
        using var signIn = await SignInAsync(app, code: Code());
        var login = await LoggedIn.OfAsync(app, signIn);

        using var without = await login.SendAsync(HttpMethod.Delete, Path, new { password = TestApp.Password });
        await without.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "second_factor_required");
        using var wrong = await login.SendAsync(HttpMethod.Delete, Path, new { password = "not the password", recovery_code = _recoveryCodes[0] });
        await wrong.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "invalid_credentials");
        using var right = await login.SendAsync(HttpMethod.Delete, Path, new { password = TestApp.Password, recovery_code = _recoveryCodes[0] });
        right.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var again = await login.SendAsync(HttpMethod.Delete, Path, new { password = TestApp.Password });
        await again.ShouldBeProblemAsync(HttpStatusCode.Conflict, "second_factor_not_enabled");

        await app.SignInAsync("anna");
        LoggedIn.Log(app).ShouldContain("second_factor.disable done");
    }

    [Fact]
    public async Task New_recovery_codes_take_password_and_code_and_end_the_old_ones()
    {
        await using var app = await EnabledAsync();
        using var signIn = await SignInAsync(app, code: Code());
        var login = await LoggedIn.OfAsync(app, signIn);
        _clock.Advance(TimeSpan.FromSeconds(30));

        using var renewed = await login.SendAsync(HttpMethod.Post, Path + "/recovery-codes", new { password = TestApp.Password, code = Code() });

        var codes = (await renewed.JsonAsync()).GetProperty("recovery_codes").EnumerateArray().Select(c => c.GetString()!).ToArray();
        codes.Intersect(_recoveryCodes).ShouldBeEmpty();
        using var old = await SignInAsync(app, recoveryCode: _recoveryCodes[0]);
        await old.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_second_factor");
        using var fresh = await SignInAsync(app, recoveryCode: codes[0]);
        fresh.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Deleting_the_account_takes_it_too()
    {
        await using var app = await EnabledAsync();
        using var signIn = await SignInAsync(app, code: Code());
        var login = await LoggedIn.OfAsync(app, signIn);

        using var without = await login.SendAsync(HttpMethod.Delete, "/api/me", new { password = TestApp.Password });
        await without.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "second_factor_required");
        await login.ShouldBeAliveAsync();
        using var with = await login.SendAsync(HttpMethod.Delete, "/api/me", new { password = TestApp.Password, recovery_code = _recoveryCodes[0] });

        with.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task An_admin_takes_it_off_an_account_whose_owner_has_lost_it()
    {
        await using var app = await EnabledAsync();
        var admin = await app.AdminAsync();

        using var removed = await admin.Http.DeleteAsync("/api/admin/users/ANNA/second-factor");
        using var again = await admin.Http.DeleteAsync("/api/admin/users/anna/second-factor");
        using var nobody = await admin.Http.DeleteAsync("/api/admin/users/nobody-here/second-factor");

        removed.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await again.ShouldBeProblemAsync(HttpStatusCode.Conflict, "second_factor_not_enabled");
        await nobody.ShouldBeProblemAsync(HttpStatusCode.NotFound, "user_not_found");
        await app.SignInAsync("anna");
    }

    [Theory]
    [InlineData(-365 * 24)]
    [InlineData(-2)]
    [InlineData(2)]
    [InlineData(365 * 24)]
    public async Task A_code_used_before_the_clock_was_set_locks_nobody_out(int hours)
    {
        await using var app = await EnabledAsync();
        using var before = await SignInAsync(app, code: Code());
        before.StatusCode.ShouldBe(HttpStatusCode.OK);

        _clock.Set(TimeSpan.FromHours(hours));

        using var after = await SignInAsync(app, code: Code());
        using var again = await SignInAsync(app, code: Code());
        after.StatusCode.ShouldBe(HttpStatusCode.OK);
        await again.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_second_factor");
    }

    [Fact]
    public async Task The_secret_is_not_in_the_database_in_the_clear()
    {
        await using var app = await EnabledAsync();
        var data = new List<byte>();
        foreach (var file in Directory.GetFiles(app.DataFolder, "smartlock.db*"))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy);
            data.AddRange(copy.ToArray());
        }

        data.Count.ShouldBeGreaterThan(0);
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(data).IndexOf(_secret).ShouldBe(-1);
    }

    private async Task<TestApp> StartAsync()
    {
        var app = await TestApp.StartAsync(_clock);
        await app.RegisterUserAsync("anna");
        return app;
    }

    /// <summary>The first code is used; the clock stands at the next.</summary>
    private async Task<TestApp> EnabledAsync()
    {
        var app = await StartAsync();
        var login = await LoggedIn.SignInAsync(app, "anna");
        using var begun = await login.SendAsync(HttpMethod.Post, Path, new { password = TestApp.Password });
        _secret = Authenticator.SecretOf((await begun.JsonAsync()).GetProperty("secret").GetString()!);
        using var confirmed = await login.SendAsync(HttpMethod.Post, Path + "/confirm", new { code = Code() });
        confirmed.StatusCode.ShouldBe(HttpStatusCode.OK, await confirmed.Content.ReadAsStringAsync());
        _recoveryCodes = [.. (await confirmed.JsonAsync()).GetProperty("recovery_codes").EnumerateArray().Select(c => c.GetString()!)];
        _clock.Advance(TimeSpan.FromSeconds(60));
        return app;
    }

    private static Task<HttpResponseMessage> SignInAsync(
        TestApp app, string password = TestApp.Password, string? code = null, string? recoveryCode = null) =>
        app.Http.PostAsJsonAsync("/api/auth/login", new { username = "anna", password, code, recovery_code = recoveryCode });

    private string Code(int steps = 0) => Authenticator.CodeAt(_secret, Authenticator.StepAt(_clock.GetUtcNow()) + steps);

    /// <summary>A code that is none of the present ones.</summary>
    private string Other(string code) => Enumerable.Range(0, 10).Select(i => Regex.Replace(code, ".$", $"{i}"))
        .First(c => Totp.Match(_secret, c, _clock.GetUtcNow()) is null);
}
