using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class ProblemTests
{
    private const string Register = "/api/auth/register";

    [Theory]
    [InlineData("", "body")]
    [InlineData("   ", "body")]
    [InlineData("null", "body")]
    [InlineData("42", "body")]
    [InlineData("true", "body")]
    [InlineData("\"text\"", "body")]
    [InlineData("[]", "body")]
    [InlineData("{", "body")]
    [InlineData("{\"username\"", "body")]
    [InlineData("{\"username\":\"anna\",}", "body")]
    [InlineData("{\"username\":\"anna\",\"password\":\"x\"} extra", "body")]
    [InlineData("{/* note */\"username\":\"anna\",\"password\":\"x\"}", "body")]
    [InlineData("{'username':'anna'}", "body")]
    [InlineData("{username:\"anna\"}", "body")]
    [InlineData("\uFEFF\uFEFF{}", "body")]
    [InlineData("{\"username\":\"an\nna\",\"password\":\"x\"}", "body")]
    [InlineData("{\"username\":\"\\x41\",\"password\":\"x\"}", "body")]
    [InlineData("{\"username\":1,\"password\":\"x\"}", "username")]
    [InlineData("{\"username\":null,\"password\":\"x\"}", "username")]
    [InlineData("{\"username\":[\"anna\"],\"password\":\"x\"}", "username")]
    [InlineData("{\"username\":{\"a\":1},\"password\":\"x\"}", "username")]
    [InlineData("{\"username\":\"\\ud800\",\"password\":\"x\"}", "username")]
    [InlineData("{\"username\":\"anna\",\"password\":true}", "password")]
    [InlineData("{\"username\":\"anna\",\"password\":\"x\",\"email\":7}", "email")]
    [InlineData("{\"username\":\"anna\",\"password\":\"x\",\"role\":\"admin\"}", "role")]
    [InlineData("{\"username\":\"anna\",\"password\":\"x\",\"odd name\":1}", "odd name")]
    [InlineData("{\"username\":\"anna\",\"username\":\"bert\",\"password\":\"x\"}", "username")]
    [InlineData("{\"Username\":\"anna\",\"password\":\"x\"}", "Username")]
    [InlineData("{\"password\":\"x\"}", "username")]
    [InlineData("{}", "username,password")]
    public async Task A_body_that_is_not_understood_is_refused_by_name(string body, string fields)
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.PostTextAsync(Register, body);

        var problem = await answer.ShouldBeInvalidAsync(fields.Split(','));
        problem.ToString().ShouldNotContain("RegisterRequest", customMessage: "type names are nobody's business");
        app.Logs.All.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/json;charset=UTF-8")]
    [InlineData("application/json; charset=us-ascii")]
    public async Task A_body_in_utf8_is_read_however_its_charset_is_written(string contentType)
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.PostAsync(Register, BodyAs(contentType));

        await answer.ShouldBeInvalidAsync("username", "password");
    }

    [Theory]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json; charset=\"x-none\"")]
    [InlineData("application/json; charset=\"\"")]
    public async Task A_body_in_another_charset_is_refused(string contentType)
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.PostAsync(Register, BodyAs(contentType));

        await answer.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        app.Logs.All.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task A_query_parameter_that_an_operation_does_not_have_is_refused_by_name()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        using var misspelt = await owner.Http.GetAsync("/api/locks?limit=1&curser=x");
        using var none = await owner.Http.GetAsync("/api/me?x=1");
        using var known = await owner.Http.GetAsync("/api/locks?LIMIT=1");

        var problem = await misspelt.ShouldBeInvalidAsync("curser");
        problem.GetProperty("detail").GetString().ShouldBe("curser: is not known: this operation has cursor, limit");
        await none.ShouldBeInvalidAsync("x");
        known.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Bytes_that_are_not_utf8_are_refused()
    {
        await using var app = await TestApp.StartAsync();
        byte[] body = [.. "{\"username\":\""u8, 0xC3, 0x28, .. "\",\"password\":\"x\"}"u8];

        using var answer = await app.Http.PostAsync(Register, Answers.JsonBody(body));

        await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_body_nested_too_deeply_is_refused()
    {
        await using var app = await TestApp.StartAsync();
        var deep = new string('[', 5000) + new string(']', 5000);

        using var answer = await app.Http.PostTextAsync(Register, $$"""{"username":{{deep}},"password":"x"}""");

        await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    /// <summary>
    /// Announced, they are refused before they are sent. In chunks the client learns it while it sends: half a megabyte still
    /// fits between the two, so that it surely reads the answer.
    /// </summary>
    [Theory]
    [InlineData(10_000_000, false)]
    [InlineData(500_000, true)]
    public async Task A_body_over_the_limit_is_refused_with_413(int size, bool chunked)
    {
        await using var app = await TestApp.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, Register)
        {
            Content = Answers.JsonBody(Encoding.UTF8.GetBytes($$"""{"username":"{{new string('a', size)}}"}""")),
        };
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.ExpectContinue = true;

        // The client's own limit of one second would be over on a busy machine: then it sends the body into a closed connection.
        using var patient = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) }) { BaseAddress = app.Http.BaseAddress };
        using var answer = await patient.SendAsync(request);

        await answer.ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge, "body_too_large");
        app.Logs.All.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task Another_media_type_is_refused_with_415(string mediaType)
    {
        await using var app = await TestApp.StartAsync();
        using var content = Answers.JsonBody("{}"u8.ToArray());
        content.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(mediaType);

        using var answer = await app.Http.PostAsync(Register, content);

        await answer.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Theory]
    [InlineData("/nothing/here")]
    [InlineData("/api")]
    [InlineData("/api/me/")]
    [InlineData("/api/me/more")]
    [InlineData("/%00")]
    [InlineData("/api/%2e%2e/%2e%2e/etc/passwd")]
    public async Task A_path_that_nothing_serves_is_404_with_and_without_a_token(string path)
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        foreach (var client in new[] { app.Http, owner.Http })
        {
            using var answer = await client.GetAsync(path);
            if (path == "/%00")
            {
                // Kestrel refuses the request line itself.
                answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            }
            else if (path != "/api/me/")
            {
                await answer.ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
            }
        }
    }

    [Fact]
    public async Task A_wrong_method_is_405_and_says_which_are_allowed()
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.DeleteAsync(Register);

        await answer.ShouldBeProblemAsync(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        answer.Content.Headers.Allow.ShouldBe(["POST"]);
    }

    [Fact]
    public async Task A_client_that_asks_for_html_still_gets_the_document()
    {
        await using var app = await TestApp.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/nothing");
        request.Headers.Accept.ParseAdd("text/html");

        using var answer = await app.Http.SendAsync(request);

        await answer.ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task A_store_that_is_away_is_503_with_retry_after_and_a_warning()
    {
        await using var app = await StartWithAsync(_ => throw new StoreUnavailableException("disk at /secret/place is full"));

        using var answer = await app.Http.GetAsync("/throw");

        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "store_unavailable");
        answer.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        problem.ToString().ShouldNotContain("secret");
        app.Logs.All.ShouldContain(l => l.Level == LogLevel.Warning && l.Exception is StoreUnavailableException);
    }

    [Fact]
    public async Task An_unexpected_exception_is_500_without_its_text_and_is_logged_once()
    {
        await using var app = await StartWithAsync(_ => throw new InvalidOperationException("secret detail"));

        using var answer = await app.Http.GetAsync("/throw");

        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "internal_error");
        problem.ToString().ShouldNotContain("secret");
        app.Logs.All.Count(l => l.Level >= LogLevel.Error).ShouldBe(1);
    }

    [Fact]
    public async Task A_client_that_hangs_up_is_not_an_error()
    {
        var entered = new TaskCompletionSource();
        var left = new TaskCompletionSource();
        await using var app = await StartWithAsync(async context =>
        {
            entered.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            finally
            {
                left.SetResult();
            }
        });
        using var cancel = new CancellationTokenSource();

        var request = app.Http.GetAsync("/throw", cancel.Token);
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => request);
        await left.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await app.StopAsync();
        app.Logs.All.Where(l => l.Level >= LogLevel.Warning).ShouldBeEmpty();
    }

    private static Task<TestApp> StartWithAsync(RequestDelegate handler) =>
        TestApp.StartAsync(null, map: routes => routes.MapGet("/throw", handler).AllowAnonymous());

    private static ByteArrayContent BodyAs(string contentType)
    {
        var body = new ByteArrayContent("{}"u8.ToArray());
        body.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return body;
    }
}
