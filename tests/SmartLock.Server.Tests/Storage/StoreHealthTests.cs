using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage;

public sealed class StoreHealthTests
{
    [Fact]
    public async Task A_store_that_cannot_be_written_is_a_503_and_not_ready_and_both_mend_themselves()
    {
        await using var app = await TestApp.StartAsync("--Storage:Sqlite:BusyTimeout=00:00:00.100");
        var owner = await app.OwnerAsync();
        (await StoreAsync(app)).ShouldBe("healthy");
        using (var other = new SqliteSession(Path.Combine(app.DataFolder, "smartlock.db"), TimeSpan.FromSeconds(10)))
        {
            other.Execute("BEGIN IMMEDIATE");
            using var refused = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = "D1", name = "x" });
            refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter.ShouldNotBeNull();
            (await StoreAsync(app)).ShouldBe("unhealthy");
            other.Execute("ROLLBACK");
        }

        (await StoreAsync(app)).ShouldBe("healthy");
        using var made = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = "D1", name = "x" });
        made.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_provider_that_is_not_there_ends_the_start_with_a_sentence()
    {
        var failure = await Should.ThrowAsync<StartupException>(() => TestApp.StartAsync("--Storage:Provider=Oracle"));
        failure.Message.ShouldContain("Storage:Provider");
        failure.Message.ShouldContain("Oracle");
    }

    [Fact]
    public async Task The_file_may_lie_elsewhere()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-test-");
        try
        {
            var file = Path.Combine(folder.FullName, "elsewhere.db");
            await using (var app = await TestApp.StartAsync($"--Storage:Sqlite:File={file}"))
            {
                app.Services.GetRequiredService<SqliteDatabase>().WriteFailure.ShouldBeNull();
            }

            File.Exists(file).ShouldBeTrue();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string?> StoreAsync(TestApp app)
    {
        using var answer = await app.Http.GetAsync("/health/ready");
        var checks = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("checks").EnumerateArray();
        return checks.Single(check => check.GetProperty("name").GetString() == "store").GetProperty("status").GetString();
    }
}
