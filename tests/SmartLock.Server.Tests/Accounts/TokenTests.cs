using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class TokenTests
{
    private readonly FakeClock _clock = new();
    private string _session = "";

    [Fact]
    public async Task A_token_made_by_hand_like_ours_is_good_so_that_the_forgeries_below_fail_for_their_own_reason()
    {
        await using var app = await StartAsync();

        using var answer = await GetMeAsync(app, Token(app));

        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Without_a_token_nobody_is_let_in_and_is_told_what_is_wanted()
    {
        await using var app = await StartAsync();

        using var answer = await app.Http.GetAsync("/api/me");

        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        answer.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
    }

    [Fact]
    public async Task An_unsigned_token_is_refused()
    {
        await using var app = await StartAsync();
        foreach (var alg in new[] { "none", "None", "NONE", "" })
        {
            var unsigned = $"{Part(new { alg, typ = "JWT" })}.{Part(Claims())}.";
            await RefusedAsync(app, unsigned);
            await RefusedAsync(app, unsigned + Token(app).Split('.')[2]);
        }
    }

    [Fact]
    public async Task A_token_signed_by_somebody_else_is_refused()
    {
        await using var app = await StartAsync();

        await RefusedAsync(app, Token(app, key: RandomNumberGenerator.GetBytes(32)));
        await RefusedAsync(app, Token(app, key: new byte[32]));
    }

    [Fact]
    public async Task A_token_changed_after_it_was_signed_is_refused()
    {
        await using var app = await StartAsync();
        var parts = Token(app).Split('.');

        await RefusedAsync(app, $"{parts[0]}.{Part(Claims(sub: "root"))}.{parts[2]}");
        await RefusedAsync(app, $"{Part(new { alg = "HS256", typ = "JWT", kid = "x" })}.{parts[1]}.{parts[2]}");
        await RefusedAsync(app, $"{parts[0]}.{parts[1]}.{parts[2][1..]}");
    }

    [Fact]
    public async Task A_token_that_is_known_to_be_good_vouches_for_no_other()
    {
        await using var app = await StartAsync();
        var token = Token(app);
        for (var i = 0; i < 2; i++)
        {
            using var answer = await GetMeAsync(app, token);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        var parts = token.Split('.');
        await RefusedAsync(app, $"{parts[0]}.{parts[1]}.");
        await RefusedAsync(app, $"{parts[0]}.{parts[1]}.{new string(parts[2].Reverse().ToArray())}");
        await RefusedAsync(app, $"{parts[0]}.{Part(Claims(sub: "root"))}.{parts[2]}");
        await RefusedAsync(app, token.ToUpperInvariant());
    }

    [Fact]
    public async Task A_token_that_was_used_before_is_refused_while_the_clock_stands_before_its_time()
    {
        await using var app = await StartAsync();
        var token = Token(app, Claims(nbf: Now + 3));
        using var within = await GetMeAsync(app, token);
        within.StatusCode.ShouldBe(HttpStatusCode.OK);

        _clock.SetBack(TimeSpan.FromSeconds(10));

        await RefusedAsync(app, token);
    }

    [Theory]
    [InlineData("HS384")]
    [InlineData("HS512")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("hs256")]
    public async Task Another_algorithm_is_refused_even_under_the_right_key(string alg)
    {
        await using var app = await StartAsync();

        await RefusedAsync(app, Token(app, alg: alg));
    }

    [Fact]
    public async Task Claims_of_another_issuer_audience_or_time_are_refused()
    {
        await using var app = await StartAsync();
        object[] wrong =
        [
            Claims(iss: "elsewhere"),
            Claims(aud: "elsewhere"),
            Claims(exp: Now - 60),
            Claims(nbf: Now + 60),
            new { sub = "anna", sid = _session, iss = "smartlock", aud = "smartlock", nbf = Now },
            new { sub = "anna", sid = _session, iss = "smartlock", nbf = Now, exp = Now + 60 },
            new { sub = "anna", sid = _session, aud = "smartlock", nbf = Now, exp = Now + 60 },
            new { sid = _session, iss = "smartlock", aud = "smartlock", nbf = Now, exp = Now + 60 },
            Claims(sub: "nobody-here"),
            Claims(sub: ""),
        ];
        foreach (var claims in wrong)
        {
            await RefusedAsync(app, Token(app, claims));
        }
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("a.b.c")]
    [InlineData("..")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.e30.")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9..")]
    [InlineData("{}.{}.{}")]
    [InlineData("a.b.c.d.e")]
    public async Task Garbage_is_refused(string token)
    {
        await using var app = await StartAsync();

        await RefusedAsync(app, token);
    }

    [Fact]
    public async Task A_token_is_good_for_fifteen_minutes_by_the_servers_clock()
    {
        await using var app = await StartAsync();
        var owner = await app.OwnerAsync();

        _clock.Advance(TimeSpan.FromMinutes(15) - TimeSpan.FromSeconds(1));
        using var before = await owner.Http.GetAsync("/api/me");
        _clock.Advance(TimeSpan.FromSeconds(10));
        using var after = await owner.Http.GetAsync("/api/me");

        before.StatusCode.ShouldBe(HttpStatusCode.OK);
        await after.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        after.Headers.WwwAuthenticate.ToString().ShouldContain("invalid_token");
    }

    [Fact]
    public async Task A_disabled_accounts_token_is_refused()
    {
        await using var app = await StartAsync();
        await app.StoredUserAsync("gone");
        var token = (await app.SessionOfAsync("gone")).Token;
        await app.Services.GetRequiredService<IUserStore>().UpdateAsync("gone", new UserChange(Disabled: true), "chief", _clock.GetUtcNow(), default);

        await RefusedAsync(app, token);
    }

    [Fact]
    public async Task A_token_of_no_session_or_of_somebody_elses_is_refused()
    {
        await using var app = await StartAsync();
        await app.StoredUserAsync("bert");
        await app.SessionOfAsync("bert");
        var berts = (await app.Services.GetRequiredService<ISessionStore>().ListAsync("bert", _clock.GetUtcNow(), default)).Single().Id;
        object[] wrong =
        [
            new { sub = "anna", iss = "smartlock", aud = "smartlock", nbf = Now, exp = Now + 60 },
            Claims(sid: berts),
            Claims(sid: ""),
            Claims(sid: "01JDXAAAAAAAAAAAAAAAAAAAAA"),
            Claims(sid: new string('x', 5000)),
        ];
        foreach (var claims in wrong)
        {
            await RefusedAsync(app, Token(app, claims));
        }
    }

    [Fact]
    public async Task Name_and_role_are_those_of_the_account_not_of_the_token()
    {
        await using var app = await StartAsync();
        await app.AdminAsync("Chief");
        var session = (await app.Services.GetRequiredService<ISessionStore>().ListAsync("chief", _clock.GetUtcNow(), default)).Single().Id;
        var signedIn = app.SignedInWith("Chief", app.Services.GetRequiredService<AccessTokens>().Issue("cHIEF", session));

        (await signedIn.Http.GetStringAsync("/api/me")).ShouldStartWith("""{"username":"Chief","role":"admin",""");
        var claims = new { sub = "anna", sid = _session, role = "Admin", iss = "smartlock", aud = "smartlock", nbf = Now, exp = Now + 60 };
        using var me = await GetMeAsync(app, Token(app, claims));
        (await me.Content.ReadAsStringAsync()).ShouldStartWith("""{"username":"anna","role":"user",""");
    }

    private long Now => _clock.GetUtcNow().ToUnixTimeSeconds();

    private async Task<TestApp> StartAsync()
    {
        var app = await TestApp.StartAsync(_clock);
        await app.StoredUserAsync("anna");
        await app.SessionOfAsync("anna");
        _session = (await app.Services.GetRequiredService<ISessionStore>().ListAsync("anna", _clock.GetUtcNow(), default)).Single().Id;
        return app;
    }

    private static async Task RefusedAsync(TestApp app, string token)
    {
        using var answer = await GetMeAsync(app, token);
        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var signature = token.Split('.')[^1];
        app.Logs.All.ShouldNotContain(l => signature.Length > 8 && l.Text.Contains(signature));
        app.Logs.All.ShouldNotContain(l => l.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    private static async Task<HttpResponseMessage> GetMeAsync(TestApp app, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/me");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        return await app.Http.SendAsync(request);
    }

    private object Claims(string sub = "anna", string iss = "smartlock", string aud = "smartlock", long? nbf = null, long? exp = null, string? sid = null) =>
        new { sub, sid = sid ?? _session, iss, aud, nbf = nbf ?? Now, exp = exp ?? Now + 60 };

    private string Token(TestApp app, object? claims = null, byte[]? key = null, string alg = "HS256")
    {
        key ??= app.Services.GetRequiredService<SigningKey>().Key.Key;
        var signed = $"{Part(new { alg, typ = "JWT" })}.{Part(claims ?? Claims())}";
        var bytes = Encoding.ASCII.GetBytes(signed);
        var mac = alg switch
        {
            "HS384" => HMACSHA384.HashData(key, bytes),
            "HS512" => HMACSHA512.HashData(key, bytes),
            _ => HMACSHA256.HashData(key, bytes),
        };
        return $"{signed}.{System.Buffers.Text.Base64Url.EncodeToString(mac)}";
    }

    private static string Part(object value) =>
        System.Buffers.Text.Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
}
