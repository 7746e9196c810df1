using Microsoft.Extensions.Options;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Webhooks;

public sealed class WebhookRulesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("https://example.com/hook?key=1")]
    [InlineData("https://example.com:8443/")]
    [InlineData("https://8.8.8.8/")]
    [InlineData("https://[2606:4700:4700::1111]/")]
    public void A_public_https_url_will_do(string url) => Check(url).ShouldBeNull();

    [Theory]
    [InlineData("")]
    [InlineData("/hook")]
    [InlineData("example.com/hook")]
    [InlineData("http://example.com/")]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://ada:secret@example.com/")]
    [InlineData("https://ada@example.com/")]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://127.1/")]
    [InlineData("https://0x7f.1/")]
    [InlineData("https://0177.0.0.1/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0x7f000001/")]
    [InlineData("https://0/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[::ffff:127.0.0.1]/")]
    [InlineData("https://[::ffff:7f00:1]/")]
    [InlineData("https://[64:ff9b::7f00:1]/")]
    [InlineData("https://[fe80::1]/")]
    [InlineData("https://169.254.169.254/latest/meta-data/")]
    [InlineData("https://192.168.1.1/")]
    public void Anything_else_is_refused(string url) => Check(url).ShouldNotBeNull();

    [Fact]
    public void Http_and_private_networks_only_where_the_settings_say_so()
    {
        var options = new WebhookOptions { AllowHttp = true, AllowPrivateNetworks = "127.0.0.0/8, ::1/128" };
        Check("http://127.0.0.1:5000/", options).ShouldBeNull();
        Check("http://[::ffff:127.0.0.1]/", options).ShouldBeNull();
        Check("https://[::1]/", options).ShouldBeNull();
        Check("https://10.0.0.1/", options).ShouldNotBeNull();
        WebhookOptions.Check(options).ShouldBeNull();
        WebhookOptions.Check(new WebhookOptions { AllowPrivateNetworks = "10.0.0.0/8 everything" })!.ShouldContain("'everything'");
        WebhookOptions.Check(new WebhookOptions { MaxPerAccount = 0 })!.ShouldContain("MaxPerAccount");
    }

    [Fact]
    public void Backoff_grows_threefold_to_six_hours()
    {
        (int Failures, double Seconds)[] expected = [(1, 10), (2, 30), (3, 90), (6, 2_430), (8, 21_600), (50, 21_600)];
        foreach (var (failures, seconds) in expected)
        {
            for (var i = 0; i < 50; i++)
            {
                WebhookRules.Backoff(failures, null).TotalSeconds.ShouldBeInRange(seconds * 0.8, seconds * 1.2);
            }
        }

        Enumerable.Range(0, 50).Select(_ => WebhookRules.Backoff(3, null)).Distinct().Count().ShouldBeGreaterThan(10);
    }

    [Fact]
    public void A_receiver_may_ask_for_more_time_within_bounds()
    {
        WebhookRules.Backoff(1, TimeSpan.FromMinutes(5)).ShouldBe(TimeSpan.FromMinutes(5));
        WebhookRules.Backoff(1, TimeSpan.FromDays(300)).ShouldBe(WebhookRules.LongestBackoff);
        WebhookRules.Backoff(1, TimeSpan.FromDays(-1)).TotalSeconds.ShouldBeInRange(8, 12);
    }

    [Theory]
    [InlineData(200, AttemptEnd.Delivered)]
    [InlineData(204, AttemptEnd.Delivered)]
    [InlineData(302, AttemptEnd.Failed)]
    [InlineData(400, AttemptEnd.Rejected)]
    [InlineData(401, AttemptEnd.Failed)]
    [InlineData(404, AttemptEnd.Failed)]
    [InlineData(410, AttemptEnd.Gone)]
    [InlineData(422, AttemptEnd.Rejected)]
    [InlineData(429, AttemptEnd.Failed)]
    [InlineData(500, AttemptEnd.Failed)]
    [InlineData(null, AttemptEnd.Failed)]
    internal void An_answer_decides(int? status, AttemptEnd end) =>
        WebhookRules.Judge(status, 1, Noon, Noon.AddDays(1)).ShouldBe(end);

    [Fact]
    public void After_ten_attempts_or_a_day_it_is_given_up()
    {
        WebhookRules.Judge(500, WebhookRules.MostAttempts - 1, Noon, Noon.AddTicks(1)).ShouldBe(AttemptEnd.Failed);
        WebhookRules.Judge(500, WebhookRules.MostAttempts, Noon, Noon.AddDays(1)).ShouldBe(AttemptEnd.GaveUp);
        WebhookRules.Judge(null, 1, Noon, Noon).ShouldBe(AttemptEnd.GaveUp);
        WebhookRules.Judge(200, WebhookRules.MostAttempts, Noon, Noon).ShouldBe(AttemptEnd.Delivered);
    }

    [Fact]
    public void Events_are_named_once_each()
    {
        WebhookRules.CheckEvents(["lock"]).ShouldBeNull();
        WebhookRules.CheckEvents(["command", "lock"]).ShouldBeNull();
        WebhookRules.CheckEvents([]).ShouldNotBeNull();
        WebhookRules.CheckEvents(["lock", "lock"]).ShouldNotBeNull();
        WebhookRules.CheckEvents(["ping"]).ShouldNotBeNull();
        WebhookRules.CheckEvents(["lock,command"]).ShouldNotBeNull();
    }

    private static string? Check(string url, WebhookOptions? options = null)
    {
        var chosen = Options.Create(options ?? new WebhookOptions());
        return WebhookRules.CheckUrl(url, chosen.Value.AllowHttp, new GuardedConnections(chosen).MayReach);
    }
}
