using System.Net;
using System.Text.Json;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class ApiDocsTests
{
    [Fact]
    public async Task The_document_describes_every_endpoint_with_its_refusals()
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.GetAsync("/openapi/v1.json");

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var document = await answer.JsonAsync();
        document.GetProperty("openapi").GetString().ShouldStartWith("3.1");
        var operations = Operations(document).ToList();
        operations.Select(o => o.Name).ShouldBe(Endpoints(app), ignoreOrder: true);
        operations.Select(o => o.Operation.GetProperty("operationId").GetString()).ShouldBeUnique();
        foreach (var (name, operation) in operations)
        {
            operation.GetProperty("summary").GetString().ShouldNotBeNullOrEmpty(name);
            var responses = operation.GetProperty("responses");
            responses.TryGetProperty("429", out _).ShouldBeTrue(name);
            responses.TryGetProperty("415", out _).ShouldBe(operation.TryGetProperty("requestBody", out _), name);
            var isAuth = name.Contains("/api/auth/", StringComparison.Ordinal);
            operation.GetProperty("security").GetArrayLength().ShouldBe(isAuth ? 0 : 1, name);
        }
    }

    [Fact]
    public async Task A_made_up_query_or_host_does_not_have_the_document_made_again()
    {
        await using var app = await TestApp.StartAsync();
        using var first = await app.Http.GetAsync("/openapi/v1.json");
        using var madeUp = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json?x=1");
        madeUp.Headers.Host = "made.up.example";

        using var second = await app.Http.SendAsync(madeUp);

        first.Headers.Age.ShouldBeNull();
        second.Headers.Age.ShouldNotBeNull("it comes from the cache");
    }

    [Fact]
    public async Task It_has_what_linters_and_generators_ask_for()
    {
        await using var app = await TestApp.StartAsync("--Original:Enabled=true");

        var document = JsonDocument.Parse(await app.Http.GetStringAsync("/openapi/v1.json")).RootElement;

        document.GetProperty("servers")[0].GetProperty("url").GetString().ShouldBe("/");
        document.GetProperty("info").GetProperty("license").GetProperty("identifier").GetString().ShouldBe("MIT");
        var tags = document.GetProperty("tags").EnumerateArray().ToList();
        tags.ShouldAllBe(tag => tag.GetProperty("description").GetString() != "");
        tags.Select(tag => tag.GetProperty("name").GetString()).ShouldBe(
            Operations(document).SelectMany(o => o.Operation.GetProperty("tags").EnumerateArray()).Select(tag => tag.GetString()).Distinct(), ignoreOrder: true);
        document.GetProperty("components").GetProperty("schemas").EnumerateObject()
            .Where(s => s.Value.TryGetProperty("enum", out _))
            .ShouldAllBe(s => s.Value.GetProperty("type").GetString() == "string");
        document.GetProperty("paths").GetProperty("/api/events").GetProperty("get").GetProperty("responses").GetProperty("200")
            .GetProperty("content").TryGetProperty("text/event-stream", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Problems_are_described_with_their_code()
    {
        await using var app = await TestApp.StartAsync();

        var document = JsonDocument.Parse(await app.Http.GetStringAsync("/openapi/v1.json")).RootElement;

        var problem = document.GetProperty("components").GetProperty("schemas").GetProperty("ProblemDetails").GetProperty("properties");
        problem.TryGetProperty("code", out _).ShouldBeTrue();
        problem.TryGetProperty("traceId", out _).ShouldBeTrue();
        problem.TryGetProperty("errors", out _).ShouldBeTrue();
        document.GetProperty("components").GetProperty("securitySchemes").GetProperty("bearer")
            .GetProperty("scheme").GetString().ShouldBe("bearer");
    }

    [Fact]
    public async Task The_docs_page_and_all_that_it_loads_are_served_and_may_run()
    {
        await using var app = await TestApp.StartAsync();

        using var page = await app.Http.GetAsync("/docs");

        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        var html = await page.Content.ReadAsStringAsync();
        html.ShouldNotContain("<script>", customMessage: "the policy forbids inline scripts");
        page.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem().ShouldContain("script-src 'self';");
        foreach (var file in new[] { "swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "index.js" })
        {
            using var loaded = await app.Http.GetAsync($"/docs/{file}");
            loaded.StatusCode.ShouldBe(HttpStatusCode.OK, file);
        }

        (await app.Http.GetStringAsync("/docs/index.js")).ShouldContain("/openapi/v1.json");
    }

    [Theory]
    [InlineData("/api/me")]
    [InlineData("/nothing")]
    [InlineData("/health/live")]
    [InlineData("/openapi/v1.json")]
    public async Task Every_answer_carries_the_security_headers(string path)
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.GetAsync(path);

        answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        answer.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem().ShouldContain("frame-ancestors 'none'");
        answer.Headers.Contains("Server").ShouldBeFalse();
        (answer.Headers.CacheControl?.NoStore ?? false).ShouldBe(path.StartsWith("/api", StringComparison.Ordinal) || path.StartsWith("/health", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Endpoints(TestApp app) => app.ApiEndpoints().Select(e => $"{e.Method} {e.Route}");

    private static IEnumerable<(string Name, JsonElement Operation)> Operations(JsonElement document) =>
        from path in document.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        select ($"{operation.Name.ToUpperInvariant()} {path.Name}", operation.Value);
}
