using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Tests.Storage.MongoDb;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob.MongoDb;

/// <summary>The whole server on MongoDB: what an owner, an operator and a second replica see.</summary>
public sealed class MongoServerTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const string AuditKey = "--Audit:Key=W0Sxrp2oNyGZl4kq7cMvAfT1uJbE9dQ5hXz3iR8LKgY=";
    private const string SigningKey = "--Jwt:SigningKey=rG17JNa3Assn9UZ4Ou2aR0OsDf5sy4ARH6fDOdK1jVE=";
    private static readonly string Server = Path.Combine(AppContext.BaseDirectory, "SmartLock.Server.dll");

    [Fact]
    public async Task An_owner_unlocks_and_it_stands_in_the_log_whichever_replica_is_asked()
    {
        await using var app = await StartAsync();
        var owner = await app.OwnerAsync("ada");
        await using var door = await Door.OpenAsync(app, owner);

        using var unlocked = await door.UnlockAsync();
        unlocked.StatusCode.ShouldBe(HttpStatusCode.OK, await unlocked.Content.ReadAsStringAsync());
        await door.UntilAsync("status", "Unlocked");

        await using var replica = await StartAsync(isFirst: false);
        var there = await replica.SignInAsync("ada");
        (await there.Http.GetFromJsonAsync<JsonElement>($"/api/locks/{door.DeviceId}")).GetProperty("status").GetString().ShouldBe("Unlocked");
        (await door.LogAsync()).Select(e => e.GetProperty("result").GetString()).ShouldBe(["done", "sent", "available", "registered"]);
        var keys = replica.Services.GetRequiredService<IOptions<KeyManagementOptions>>().Value.XmlRepository;
        keys.ShouldBeOfType<MongoKeyRing>().GetAllElements().ShouldNotBeEmpty("what one replica encrypts the other reads");
        var report = await (await replica.AdminAsync()).Http.GetFromJsonAsync<JsonElement>("/api/admin/logs/verify");
        report.GetProperty("intact").GetBoolean().ShouldBeTrue(report.ToString());
        (await replica.Http.GetFromJsonAsync<JsonElement>("/health/ready")).GetProperty("status").GetString().ShouldBe("healthy");
    }

    [Fact]
    public async Task The_database_deletes_sessions_that_are_long_over_should_no_job_have_done_it()
    {
        await using var app = await StartAsync();
        await app.OwnerAsync("ada");

        var (client, database) = fixture.Connect();
        using (client)
        {
            var sessions = database.GetCollection<BsonDocument>("sessions");
            var indexes = await (await sessions.Indexes.ListAsync()).ToListAsync();
            var purge = indexes.Single(i => i.Contains("expireAfterSeconds"));
            purge["key"].AsBsonDocument.ShouldBe(new BsonDocument("purge_at", 1));
            purge["expireAfterSeconds"].ToInt64().ShouldBe(0);
            var session = await sessions.Find(Builders<BsonDocument>.Filter.Empty).FirstAsync();
            var expiresAt = DateTimeOffset.FromUnixTimeMilliseconds(session["expires_at"].ToInt64());
            session["purge_at"].ToUniversalTime().ShouldBe((expiresAt + SessionDocument.PurgedAfter).UtcDateTime);
        }
    }

    [Fact]
    public async Task The_command_line_works_on_the_same_database()
    {
        await using (var app = await StartAsync())
        {
            await using var door = await Door.NewAsync(await app.OwnerAsync("ada"), Door.BrokerOf(app), "D1");
        }

        var (made, text) = await RunAsync(["admin", "create", "alice"]);
        made.ShouldBe(0, text);
        (await RunAsync(["admin", "create", "ALICE"])).Code.ShouldBe(1);
        var (intact, report) = await RunAsync(["audit", "verify"]);
        (intact, report).ShouldSatisfyAllConditions(r => r.intact.ShouldBe(0, report), r => r.report.ShouldContain("2 chains"));

        var (client, database) = fixture.Connect();
        using (client)
        {
            (await database.GetCollection<BsonDocument>(LogDocument.Collection).DeleteOneAsync(new BsonDocument("_id", "D1/1"))).DeletedCount.ShouldBe(1);
        }

        (await RunAsync(["audit", "verify"])).Code.ShouldBe(3);
    }

    [Theory]
    [InlineData("--Storage:MongoDb:ConnectionString=localhost:27017", "Storage:MongoDb:ConnectionString")]
    [InlineData("--Storage:MongoDb:Database=a.b", "Storage:MongoDb:Database")]
    [InlineData("--Mqtt:Persistence=Database", "Mqtt:Persistence")]
    [InlineData("--Audit:Key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "Audit:Key")]
    public async Task A_wrong_setting_ends_the_start_with_a_sentence_that_names_it(string setting, string named)
    {
        await using (var app = await StartAsync())
        {
            // The database is begun.
        }

        var (code, output) = await RunAsync(["serve", setting]);

        code.ShouldBe(78, output);
        output.ShouldContain(named);
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_server_that_is_not_there_ends_the_start_with_a_sentence_that_keeps_the_password()
    {
        await fixture.EmptyAsync();

        var (code, output) = await RunAsync(["serve", "--Storage:MongoDb:ConnectionString=mongodb://smart:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=300"]);

        code.ShouldBe(1, output);
        output.ShouldContain("SmartLock cannot start: MongoDB at 127.0.0.1:1 does not answer (Storage:MongoDb:ConnectionString).");
        output.ShouldNotContain("hunter2");
        output.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData("audit.key")]
    [InlineData("jwt-signing.key")]
    public async Task A_key_that_is_missing_beside_old_data_ends_the_start_with_its_name_and_none_is_made(string lost)
    {
        await fixture.EmptyAsync();
        var folder = Directory.CreateTempSubdirectory("smartlock-mongo-").FullName;
        try
        {
            await using (var app = await StartInAsync(folder))
            {
                await app.OwnerAsync("ada");
            }

            var path = Path.Combine(folder, lost);
            File.Move(path, path + ".away");

            var failure = await Should.ThrowAsync<StartupException>(() => StartInAsync(folder));

            failure.Message.ShouldContain(path);
            File.Exists(path).ShouldBeFalse();
            File.Move(path + ".away", path);
            await using var again = await StartInAsync(folder);
            await again.SignInAsync("ada");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Data_protection_keys_that_are_missing_beside_old_data_end_the_start()
    {
        await using (var app = await StartAsync())
        {
            await using var door = await Door.NewAsync(await app.OwnerAsync("ada"), Door.BrokerOf(app), "D1");
        }

        var (client, database) = fixture.Connect();
        using (client)
        {
            await database.GetCollection<BsonDocument>(MongoKeyRing.Collection).DeleteManyAsync(Builders<BsonDocument>.Filter.Empty);
        }

        (await Should.ThrowAsync<StartupException>(() => StartAsync(isFirst: false))).Message.ShouldContain(MongoKeyRing.Collection);
    }

    [Fact]
    public async Task What_only_reads_makes_nothing_in_an_empty_database_and_does_not_bring_an_older_one_up_to_date()
    {
        await fixture.EmptyAsync();
        var (client, database) = fixture.Connect();
        using (client)
        {
            await client.DropDatabaseAsync(fixture.Options.Database);
            (await RunAsync(["audit", "verify"])).Code.ShouldBe(1);
            (await (await database.ListCollectionNamesAsync()).ToListAsync()).ShouldBeEmpty();

            await using (var app = await StartAsync())
            {
                await app.OwnerAsync("ada");
            }

            await database.GetCollection<BsonDocument>("schema").UpdateManyAsync(
                Builders<BsonDocument>.Filter.Empty, Builders<BsonDocument>.Update.Set("number", 1));
            var (code, output) = await RunAsync(["audit", "verify"]);
            (code, output).ShouldSatisfyAllConditions(r => r.code.ShouldBe(78, output), r => r.output.ShouldContain("start the server once"));
        }
    }

    private Task<TestApp> StartInAsync(string folder) =>
        TestApp.StartAsync([.. Settings().Where(s => s != AuditKey && s != SigningKey), $"--Data:Folder={folder}"]);

    private async Task<TestApp> StartAsync(bool isFirst = true)
    {
        if (isFirst)
        {
            await fixture.EmptyAsync();
        }

        return await TestApp.StartAsync(Settings());
    }

    private string[] Settings() =>
    [
        "--Storage:Provider=MongoDb",
        $"--Storage:MongoDb:ConnectionString={fixture.Options.ConnectionString}",
        $"--Storage:MongoDb:Database={fixture.Options.Database}",
        AuditKey,
        SigningKey,
    ];

    private async Task<(int Code, string Output)> RunAsync(string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-mongo-");
        try
        {
            string[] settings = [.. Settings(), $"--Data:Folder={folder.FullName}", "--Urls=http://127.0.0.1:0", "--Mqtt:Port=0"];

            // Of two of one name the last counts, and the test's is to.
            string[] all = [.. arguments.Where(a => !a.Contains('=', StringComparison.Ordinal)), .. settings, .. arguments.Where(a => a.Contains('=', StringComparison.Ordinal))];
            await using var program = ExternalProgram.Start("dotnet", [Server, .. all], TestApp.Password + "\n", null);
            var code = await program.ExitAsync(TimeSpan.FromSeconds(60));
            return (code, program.Output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
