using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class HealthTests
{
    [Fact]
    public async Task Live_answers_without_a_token_and_without_asking_any_check()
    {
        await using var app = await TestApp.StartAsync(null, builder => builder.Services.AddHealthChecks().AddCheck("broken", Break));

        using var answer = await app.Http.GetAsync("/health/live");

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.Content.ReadAsStringAsync()).ShouldBe("""{"status":"healthy","checks":[]}""");
    }

    [Fact]
    public async Task Ready_lists_the_store_and_the_broker()
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.GetAsync("/health/ready");

        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var checks = (await answer.JsonAsync()).GetProperty("checks").EnumerateArray()
            .ToDictionary(c => c.GetProperty("name").GetString()!, c => c.GetProperty("status").GetString());
        checks["store"].ShouldBe("healthy");
        checks["mqtt"].ShouldBe("healthy");
    }

    [Fact]
    public async Task Not_ready_is_503_with_the_name_of_the_check_and_not_its_secrets()
    {
        await using var app = await TestApp.StartAsync(null, builder => builder.Services.AddHealthChecks().AddCheck("broken", Break));

        using var answer = await app.Http.GetAsync("/health/ready");

        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        var text = await answer.Content.ReadAsStringAsync();
        text.ShouldContain("""{"name":"broken","status":"unhealthy"}""");
        text.ShouldNotContain("secret");
    }

    private static HealthCheckResult Break() => throw new InvalidOperationException("secret host:1234");
}
