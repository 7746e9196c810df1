using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class TrustedProxyTests
{
    private const string OneLogin = "--RateLimits:Auth:PermitsPerMinute=1";

    [Fact]
    public async Task Clients_of_a_proxy_on_this_machine_count_apart()
    {
        await using var app = await TestApp.StartAsync(OneLogin);

        (await LoginAsync(app, "192.0.2.1")).ShouldBe(HttpStatusCode.Unauthorized);
        (await LoginAsync(app, "192.0.2.2")).ShouldBe(HttpStatusCode.Unauthorized);
        (await LoginAsync(app, "192.0.2.1")).ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task What_a_client_wrote_before_the_proxys_entry_is_not_believed()
    {
        await using var app = await TestApp.StartAsync(OneLogin);

        (await LoginAsync(app, "198.51.100.1, 192.0.2.1")).ShouldBe(HttpStatusCode.Unauthorized);
        (await LoginAsync(app, "198.51.100.2, 192.0.2.1")).ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Theory]
    [InlineData("", HttpStatusCode.TooManyRequests)]
    [InlineData("10.1.2.0/24", HttpStatusCode.TooManyRequests)]
    [InlineData("10.1.0.0/16", HttpStatusCode.Unauthorized)]
    [InlineData("192.168.0.1, 10.1.99.3", HttpStatusCode.Unauthorized)]
    public async Task Another_machine_is_believed_only_when_it_is_listed(string trusted, HttpStatusCode second)
    {
        await using var app = await TestApp.StartAsync(
            null,
            builder => builder.Services.AddSingleton<IStartupFilter>(new From(IPAddress.Parse("10.1.99.3"))),
            null,
            OneLogin,
            $"--Http:TrustedProxies={trusted}");

        (await LoginAsync(app, "192.0.2.1")).ShouldBe(HttpStatusCode.Unauthorized);
        (await LoginAsync(app, "192.0.2.2")).ShouldBe(second);
    }

    [Fact]
    public async Task A_proxy_that_is_not_listed_is_warned_of_once_by_the_name_of_the_setting()
    {
        await using var app = await TestApp.StartAsync(
            null, builder => builder.Services.AddSingleton<IStartupFilter>(new From(IPAddress.Parse("::ffff:10.1.99.3"))), null);

        for (var i = 0; i < 3; i++)
        {
            await LoginAsync(app, $"192.0.2.{i}");
        }

        Warnings(app).ShouldHaveSingleItem().ShouldContain("10.1.99.3");
    }

    [Theory]
    [InlineData("127.0.0.1", "")]
    [InlineData("::1", "")]
    [InlineData("::ffff:10.1.99.3", "10.1.0.0/16")]
    public async Task A_trusted_proxy_is_not_warned_of(string address, string trusted)
    {
        await using var app = await TestApp.StartAsync(
            null,
            builder => builder.Services.AddSingleton<IStartupFilter>(new From(IPAddress.Parse(address))),
            null,
            $"--Http:TrustedProxies={trusted}");

        await LoginAsync(app, "192.0.2.1");

        Warnings(app).ShouldBeEmpty();
    }

    private static string[] Warnings(TestApp app) =>
        [.. app.Logs.All.Select(line => line.Text).Where(text => text.Contains("Http:TrustedProxies", StringComparison.Ordinal))];

    [Theory]
    [InlineData("Http:TrustedProxies", "proxy.example.org", "proxy.example.org")]
    [InlineData("Http:TrustedProxies", "10.8", "10.8")]
    [InlineData("Http:TrustedProxies:1", "10.0.0.0/33", "10.0.0.0/33")]
    [InlineData("Http:TrustedProxy", "10.0.0.1", "TrustedProxy")]
    public void What_is_no_address_is_refused_by_name(string key, string value, string named) =>
        Should.Throw<StartupException>(() => TrustedProxies.Parse(Configuration((key, value)))).Message.ShouldContain(named);

    [Fact]
    public void A_list_and_a_text_mean_the_same()
    {
        var text = TrustedProxies.Parse(Configuration(("Http:TrustedProxies", "10.0.0.1, 172.16.0.0/12;2001:db8::/32")));
        var list = TrustedProxies.Parse(Configuration(
            ("Http:TrustedProxies:0", "10.0.0.1"), ("Http:TrustedProxies:1", "172.16.0.0/12"), ("Http:TrustedProxies:2", "2001:db8::/32")));

        text.Select(n => n.ToString()).ShouldBe(["10.0.0.1/32", "172.16.0.0/12", "2001:db8::/32"]);
        list.ShouldBe(text);
    }

    private static async Task<HttpStatusCode> LoginAsync(TestApp app, string forwardedFor)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/login")
        {
            Content = JsonContent.Create(new { username = "nobody-here", password = TestApp.Password }),
        };
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        using var answer = await app.Http.SendAsync(request);
        return answer.StatusCode;
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.ToDictionary(s => s.Key, s => (string?)s.Value))
        .Build();

    /// <summary>Has every request come from one address, as the proxy's connection would.</summary>
    private sealed class From(IPAddress peer) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, following) =>
            {
                context.Connection.RemoteIpAddress = peer;
                return following(context);
            });
            next(app);
        };
    }
}
