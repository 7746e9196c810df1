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

    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "X"];

    private static readonly string[] ContentTypes =
    [
        "application/json", "application/json; charset=\"utf-8\"", "application/json; charset=UTF-8", "application/json; charset=x-none", "application/json; charset=",
        "application/json; charset=\"\"", "application/json; charset=utf-16", "application/json; charset=utf-7", "application/json; charset=\"", "application/json;;;",
        "application/merge-patch+json; charset=latin1", "application/problem+json", "text/json; charset=none", "text/plain", "text/html; charset=\"utf-8\"",
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=none", "multipart/form-data", "multipart/form-data; boundary=", "x", "/", "", "a/b; c",
    ];

    private static readonly (string Name, string[] Values)[] Headers =
    [
        ("Accept", ["", "x", "text/event-stream", "application/json;q=x", "*/*;q=2", "text/csv"]),
        ("Accept-Encoding", ["gzip;q=x", "*;q=0", "identity;q=0", "br, br, br"]),
        ("Accept-Language", ["x", "*;q=", "de-DE-DE-DE"]),
        ("Authorization", ["Bearer", "Bearer x.y.z", "Bearer ..", "Basic OjpA", "Basic %", "Digest x", "bearer eyJhbGciOiJub25lIn0.e30."]),
        ("Cookie", ["smartlock_refresh", "smartlock_refresh=; smartlock_refresh=x", "__Secure-smartlock_refresh=%00", "=;=;=", "a=\"; b"]),
        ("Forwarded", ["for=x;;", "for=\"[::1\""]),
        ("Idempotency-Key", ["", "x", "a b", "\t", "0123456789"]),
        ("If-Match", ["*", "x", "W/\"1\"", "\""]),
        ("If-Modified-Since", ["x", "Thu, 01 Jan 1970 00:00:00 GMT"]),
        ("If-None-Match", ["*", "\"\"", "\"", ",,"]),
        ("Last-Event-ID", ["x", "-1", "99999999999999999999", "%"]),
        ("Origin", ["null", "x", "http://[::1"]),
        ("Prefer", ["wait", "wait=", "wait=x", "wait=-1", "wait=\"0\"", "wait=0;;", "wait=99999999999999999999", "respond-async, wait=0"]),
        ("Range", ["bytes=", "bytes=-", "bytes=5-1", "bytes=0-0,0-0,0-0", "x=1-2", "bytes=99999999999999999999-"]),
        ("traceparent", ["x", "00-0-0-0", "ff-00000000000000000000000000000001-0000000000000001-01"]),
        ("X-Forwarded-For", ["x", "::1, ::1", "999.1.1.1", "[::1]:99999", ",,,", "1.2.3.4:80"]),
        ("X-Forwarded-Proto", ["x", "", "https,https", "javascript:"]),
        ("X-HTTP-Method-Override", ["DELETE"]),
    ];

    /// <summary>Anew for each round of the operations, since one of them signs out.</summary>
    private SignedIn? _signedIn;

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

    /// <summary>
    /// Odd media types, charsets, encodings, ranges, preferences and methods in all combinations, with and without a token. For a longer run:
    /// SMARTLOCK_FUZZ_REQUESTS=120000.
    /// </summary>
    [Fact]
    public async Task No_header_makes_any_operation_answer_500()
    {
        await using var app = await TestApp.StartAsync(
            "--RateLimits:Commands:PermitsPerMinute=1000000",
            "--RateLimits:Reads:PermitsPerMinute=10000000",
            "--RateLimits:Anonymous:PermitsPerMinute=1000000");
        await app.RegisterUserAsync("owner1");
        var random = new Random(Seed);
        var endpoints = app.ApiEndpoints();
        var requests = int.TryParse(Environment.GetEnvironmentVariable("SMARTLOCK_FUZZ_REQUESTS"), out var given) ? given : 30 * endpoints.Count;
        for (var i = 0; i < requests; i++)
        {
            var (method, route) = endpoints[i % endpoints.Count];
            var client = i % endpoints.Count == 0 ? await app.SignInAsync("owner1") : null;
            _signedIn = client ?? _signedIn;
            using var request = new HttpRequestMessage(new HttpMethod(random.Next(8) == 0 ? Methods[random.Next(Methods.Length)] : method), Fill(route, random));
            var sent = OddHeaders(request, random);

            using var answer = await (random.Next(5) == 0 ? app.Http : _signedIn!.Http).SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

            ((int)answer.StatusCode).ShouldBeLessThan(500, $"seed {Seed}, request {i}: {request.Method} {request.RequestUri} {sent}");
        }

        app.Logs.All.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    private static string OddHeaders(HttpRequestMessage request, Random random)
    {
        var sent = new StringBuilder();
        if (request.Method != HttpMethod.Get && request.Method != HttpMethod.Head && request.Method != HttpMethod.Trace)
        {
            request.Content = new ByteArrayContent(random.Next(2) == 0 ? RandomBytes(random) : RandomJson(random));
            Add(request.Content.Headers, "Content-Type", ContentTypes);
            if (random.Next(4) == 0)
            {
                Add(request.Content.Headers, "Content-Encoding", ["gzip", "br", "identity", "x", "gzip, gzip"]);
            }
        }

        foreach (var (name, values) in Headers)
        {
            if (random.Next(6) == 0)
            {
                Add(request.Headers, name, values);
            }
        }

        return sent.ToString();

        void Add(System.Net.Http.Headers.HttpHeaders headers, string name, string[] values)
        {
            var value = values[random.Next(values.Length)];
            headers.Remove(name);
            headers.TryAddWithoutValidation(name, value);
            sent.Append(name).Append(": ").Append(value).Append("; ");
        }
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
