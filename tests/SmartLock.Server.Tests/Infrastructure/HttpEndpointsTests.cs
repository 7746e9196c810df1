using System.Net;
using Microsoft.Extensions.Configuration;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class HttpEndpointsTests
{
    [Theory]
    [InlineData(null, null, "http://127.0.0.1:8000")]
    [InlineData(null, "5000", "http://0.0.0.0:5000")]
    [InlineData("http://127.0.0.1:9000", "5000", "http://127.0.0.1:9000")]
    [InlineData("http://*:80;https://[::1]:443", null, "http://*:80,https://[::1]:443")]
    [InlineData("http://localhost:1234", null, "http://localhost:1234")]
    [InlineData(" http://10.0.0.1:80 ; ", null, "http://10.0.0.1:80")]
    public void Urls_go_before_port_and_port_before_the_default(string? urls, string? port, string expected) =>
        string.Join(',', HttpEndpoints.Parse(Configuration(urls, port))).ShouldBe(expected);

    [Theory]
    [InlineData("nonsense", null, "Urls")]
    [InlineData("ftp://127.0.0.1:80", null, "Urls")]
    [InlineData("http://127.0.0.1:80/path", null, "Urls")]
    [InlineData("http://lock.example.org:80", null, "Urls")]
    [InlineData("http://localhost:0", null, "Urls")]
    [InlineData(null, "65536", "PORT")]
    [InlineData(null, "-1", "PORT")]
    [InlineData(null, "http", "PORT")]
    public void What_cannot_be_listened_on_is_refused_by_its_setting(string? urls, string? port, string setting) =>
        Should.Throw<StartupException>(() => HttpEndpoints.Parse(Configuration(urls, port))).Message.ShouldStartWith(setting);

    [Fact]
    public async Task The_address_is_where_http_is_whoever_binds_it()
    {
        await using var app = await TestApp.StartAsync("--Urls=", "--Kestrel:Endpoints:Web:Url=http://127.0.0.1:0", "--Mqtt:Port=0");

        app.Address.Port.ShouldNotBe(Door.BrokerOf(app).Port);
        (await app.Http.GetAsync("/health/live")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static IConfiguration Configuration(string? urls, string? port) => new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?> { ["urls"] = urls, ["PORT"] = port })
        .Build();
}
