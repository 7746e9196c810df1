using System.Net;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class HealthTests
{
    [Fact]
    public async Task Live_answers_without_a_token_and_without_asking_any_check()
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.GetAsync("/health/live");

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.Content.ReadAsStringAsync()).ShouldBe("""{"status":"healthy","checks":[]}""");
    }
}
