using System.Text;
using Microsoft.Extensions.Logging;

namespace SmartLock.Server.Tests.Infrastructure;

/// <summary>Whatever is sent to whatever endpoint, the answer is never the server's fault.</summary>
public sealed class FuzzTests
{
    private const int Seed = 20260601;
    private const int PerEndpoint = 60;

    private static readonly string[] Fragments =
    [
        "{", "}", "[", "]", ",", ":", "\"", "null", "true", "0", "-1", "1e999", "\"username\"", "\"password\"", "\"device_id\"", "\"name\"",
        "\"\\ud800\"", "\"\\u0000\"", "\"ESP32-1\"", "\"aaaaaaaaaaaa\"", " ", "\n", "\0", "\uFEFF", "\u202e", "99999999999999999999", "{}", "[]",
    ];

    [Fact]
    public async Task No_body_makes_any_endpoint_answer_500()
    {
        await using var app = await TestApp.StartAsync();
        await app.RegisterUserAsync("owner1");
        var random = new Random(Seed);
        var endpoints = app.ApiEndpoints().Where(e => e.Method is not "GET").ToList();
        endpoints.ShouldNotBeEmpty();

        foreach (var (method, route) in endpoints)
        {
            // Anew for each, since one of them signs out.
            var owner = await app.SignInAsync("owner1");
            for (var i = 0; i < PerEndpoint; i++)
            {
                var body = i % 2 == 0 ? RandomBytes(random) : RandomJson(random);
                using var request = new HttpRequestMessage(new HttpMethod(method), Fill(route, random)) { Content = Answers.JsonBody(body) };
                using var answer = await owner.Http.SendAsync(request);
                ((int)answer.StatusCode).ShouldBeLessThan(500, $"{method} {route} {Convert.ToHexString(body)}");
            }
        }

        app.Logs.All.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task No_query_makes_any_list_answer_500()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var random = new Random(Seed);
        string[] values = ["", "0", "-1", "99999999999", "abc", "%00", "%F0%9F%94%92", "'--", "AAAA", "_-_-", new string('x', 2000)];

        foreach (var (_, route) in app.ApiEndpoints().Where(e => e.Method is "GET"))
        {
            foreach (var value in values)
            {
                var query = $"?limit={value}&cursor={value}&device_id={value}&unknown={value}";
                // The headers will do: a stream of events has no end.
                using var answer = await owner.Http.GetAsync(Fill(route, random) + query, HttpCompletionOption.ResponseHeadersRead);
                ((int)answer.StatusCode).ShouldBeLessThan(500, route + query);
            }
        }

        app.Logs.All.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    private static byte[] RandomBytes(Random random)
    {
        var bytes = new byte[random.Next(0, 200)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] RandomJson(Random random) => Encoding.UTF8.GetBytes(
        string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => Fragments[random.Next(Fragments.Length)])));

    private static string Fill(string route, Random random) => string.Join('/', route.Split('/').Select(part =>
        !part.StartsWith('{') ? part : random.Next(3) switch { 0 => "ESP32-1", 1 => "%F0%9F%94%92", _ => new string('z', random.Next(1, 300)) }));
}
