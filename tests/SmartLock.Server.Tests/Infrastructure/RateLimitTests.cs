using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class RateLimitTests
{
    [Fact]
    public async Task Signing_in_is_limited_per_address()
    {
        await using var app = await TestApp.StartAsync("--RateLimits:Auth:PermitsPerMinute=2");

        for (var i = 0; i < 2; i++)
        {
            using var permitted = await LoginAsync(app, $"name{i}");
            permitted.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        using var refused = await LoginAsync(app, "name2");
        await ShouldBeLimitedAsync(refused, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Reads_are_limited_per_account_and_one_account_does_not_use_up_anothers()
    {
        await using var app = await TestApp.StartAsync("--RateLimits:Reads:PermitsPerMinute=2");
        var anna = await app.OwnerAsync();
        var bert = await app.OwnerAsync();

        (await anna.Http.GetAsync("/api/me")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await anna.Http.GetAsync("/api/me")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var refused = await anna.Http.GetAsync("/api/me");
        using var other = await bert.Http.GetAsync("/api/me");

        await ShouldBeLimitedAsync(refused, TimeSpan.FromSeconds(30));
        other.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Strangers_are_limited_per_address_whatever_they_ask_for_and_accounts_are_not()
    {
        await using var app = await TestApp.StartAsync("--RateLimits:Anonymous:PermitsPerMinute=5");
        var anna = await app.OwnerAsync();

        string[] paths = ["/nothing", "/api/me", "/api/auth/login"];
        foreach (var path in paths)
        {
            (await app.Http.GetAsync(path)).StatusCode.ShouldNotBe(HttpStatusCode.TooManyRequests);
        }

        using var refused = await app.Http.GetAsync("/nothing");
        using var signedIn = await anna.Http.GetAsync("/api/me");

        await ShouldBeLimitedAsync(refused, TimeSpan.FromSeconds(12));
        signedIn.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_token_does_not_lift_the_limit_of_what_has_no_policy_of_its_own()
    {
        await using var app = await TestApp.StartAsync("--RateLimits:Reads:PermitsPerMinute=2");
        var anna = await app.OwnerAsync();
        var bert = await app.OwnerAsync();

        (await anna.Http.GetAsync("/health/ready")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await anna.Http.GetAsync("/openapi/v1.json")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var refused = await anna.Http.GetAsync("/health/ready");
        using var other = await bert.Http.GetAsync("/health/ready");
        using var read = await anna.Http.GetAsync("/api/me");

        await ShouldBeLimitedAsync(refused, TimeSpan.FromSeconds(30));
        other.StatusCode.ShouldBe(HttpStatusCode.OK);
        read.StatusCode.ShouldBe(HttpStatusCode.OK, "what has a policy is counted there, not twice");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(59)]
    [InlineData(60)]
    [InlineData(61)]
    [InlineData(90)]
    [InlineData(119)]
    [InlineData(1_000)]
    [InlineData(RateLimit.Most)]
    public void A_limit_gives_back_exactly_what_it_says(int permits)
    {
        var bucket = RateLimits.BucketOf(new RateLimit { PermitsPerMinute = permits });

        bucket.TokenLimit.ShouldBe(permits);
        (bucket.TokensPerPeriod * (TimeSpan.FromMinutes(1) / bucket.ReplenishmentPeriod)).ShouldBe(permits, permits * 1e-6);
        bucket.ReplenishmentPeriod.ShouldBeInRange(TimeSpan.FromSeconds(permits < 60 ? 1 : 0.99), TimeSpan.FromSeconds(permits < 60 ? 60 : 2));
    }

    [Theory]
    [InlineData("Auth", "0")]
    [InlineData("Commands", "-1")]
    [InlineData("Reads", "100000000")]
    public async Task A_limit_that_makes_no_sense_ends_the_start_by_name(string limit, string permits)
    {
        var failure = await Should.ThrowAsync<OptionsValidationException>(
            () => TestApp.StartAsync($"--RateLimits:{limit}:PermitsPerMinute={permits}"));

        failure.Message.ShouldStartWith($"RateLimits:{limit}:PermitsPerMinute ");
    }

    [Theory]
    [InlineData("--RateLimits:Auth:PermitPerMinute=5", "PermitPerMinute")]
    [InlineData("--RateLimits:Auht:PermitsPerMinute=5", "Auht")]
    [InlineData("--RateLimits:Auth:PermitsPerMinute=many", "RateLimits:Auth:PermitsPerMinute")]
    public async Task A_mistyped_setting_ends_the_start_by_name(string setting, string named)
    {
        var failure = await Should.ThrowAsync<StartupException>(() => TestApp.StartAsync(setting));

        failure.Message.ShouldContain(named);
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2:ffff::1", "2001:db8:1:2::")]
    public void An_ipv6_customer_counts_as_one_client(string address, string client) =>
        ClientAddress.Of(IPAddress.Parse(address)).ShouldBe(client);

    private static Task<HttpResponseMessage> LoginAsync(TestApp app, string username) =>
        app.Http.PostAsJsonAsync("/api/auth/login", new { username, password = TestApp.Password });

    private static async Task ShouldBeLimitedAsync(HttpResponseMessage answer, TimeSpan atMost)
    {
        await answer.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_requests");
        answer.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), atMost);
    }
}
