using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Legacy.Import;
using SmartLock.Server.Legacy.MongoDb;
using SmartLock.Server.Tests.Storage.MongoDb;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Legacy.MongoDb;

/// <summary>A database as the first system left it, read by the import command.</summary>
public sealed class MongoLegacyTests(MongoFixture fixture) : IClassFixture<MongoFixture>, IAsyncLifetime
{
    private const string Secret = "a password in plain text";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly string Server = Path.Combine(AppContext.BaseDirectory, "SmartLock.Server.dll");

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-import-").FullName;

    // The fixture's own has this server's indexes, which its rows do not keep.
    private readonly string _database = $"test_{Guid.NewGuid():N}";
    private readonly string _target = $"test_{Guid.NewGuid():N}";
    private MongoClient? _client;

    private IMongoDatabase Database => _client!.GetDatabase(_database);

    public async ValueTask InitializeAsync()
    {
        await fixture.StartAsync();
        _client = fixture.Connect().Client;
    }

    public async ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        if (_client is not null)
        {
            await _client.DropDatabaseAsync(_database);
            await _client.DropDatabaseAsync(_target);
            _client.Dispose();
        }
    }

    [Theory]
    [InlineData("Sqlite")]
    [InlineData("MongoDb")]
    public async Task The_command_says_what_it_would_do_does_it_and_may_be_run_again(string store)
    {
        await SeedAsync();

        var (dry, plan) = await ImportAsync(store);
        dry.ShouldBe(0, plan);
        plan.ShouldContain("Users:    2 to bring over, 0 there already, 1 left out");
        plan.ShouldContain("Commands: 2 to bring over, 0 there already, 1 left out");
        plan.ShouldContain("Rows:     3 of heartbeats left out");
        plan.ShouldContain("Nothing was written.");

        var (applied, report) = await ImportAsync(store, "--apply");
        applied.ShouldBe(0, report);
        report.ShouldContain("Locks:    1 brought over, 0 there already, 1 left out");
        var (again, repeated) = await ImportAsync(store, "--apply");
        again.ShouldBe(0, repeated);
        repeated.ShouldContain("Users:    0 brought over, 2 there already, 1 left out");
        repeated.ShouldContain("Commands: 0 brought over, 2 there already, 1 left out");
        (plan + report + repeated).ShouldNotContain(Secret);

        await using var app = await TestApp.StartAsync(TargetOf(store));
        var lena = await app.SignInAsync("lena", Secret);
        (await lena.Http.GetAsync("/api/locks/device-1")).IsSuccessStatusCode.ShouldBeTrue();
        var chief = await app.SignInAsync("chief", Secret);
        var log = (await chief.Http.GetFromJsonAsync<JsonElement>("/api/admin/logs?device_id=device-1")).GetProperty("items").EnumerateArray();
        log.Select(e => $"{e.GetProperty("actor")} {e.GetProperty("action")} {e.GetProperty("result")}").ShouldBe(
            ["system lock.register imported", "lena command.lock imported", "lena command.unlock imported"]);
        (await app.Services.GetRequiredService<AuditVerification>().RunAsync(null, default)).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task A_server_whose_own_store_it_would_be_refuses()
    {
        var (code, output) = await ImportAsync("MongoDb", $"--Storage:MongoDb:Database={_database}");

        code.ShouldBe(2, output);
        output.ShouldContain("own store");
    }

    [Fact]
    public async Task A_password_on_the_command_line_is_refused_and_no_message_repeats_one()
    {
        var given = await RunAsync(["import", "original", "--mongodb", $"mongodb://admin:{Secret.Replace(' ', '-')}@127.0.0.1:1"], null);
        given.ShouldBe((2, given.Output));
        given.Output.ShouldContain("SMARTLOCK_ORIGINAL_MONGODB");

        var broken = await RunAsync(["import", "original"], "mongodb://admin:s3cr3t@:x:y");
        broken.Code.ShouldBe(1);
        broken.Output.ShouldBe("That is not a MongoDB connection string, such as mongodb://localhost:27017.");

        var away = await RunAsync(["import", "original"], "mongodb://admin:s3cr3t@127.0.0.1:1/?serverSelectionTimeoutMS=200");
        away.Code.ShouldBe(1);
        away.Output.ShouldBe("The first system's database does not answer within 10 seconds.");
    }

    [Fact]
    public async Task Rows_of_other_kinds_than_they_should_be_are_read_as_missing()
    {
        await Database.GetCollection<BsonDocument>("users").InsertOneAsync(new BsonDocument { { "_id", 7 }, { "username", 5 }, { "password", new BsonArray() }, { "is_admin", "yes" } });
        await Database.GetCollection<BsonDocument>("locks").InsertOneAsync(new BsonDocument { { "_id", ObjectId.GenerateNewId() }, { "owner", BsonNull.Value } });
        await Database.GetCollection<BsonDocument>("logs").InsertManyAsync(
        [
            new BsonDocument { { "_id", 1 }, { "action", "LOCK" }, { "timestamp", "2024-05-01T10:00:00" }, { "device_id", 1 } },
            new BsonDocument { { "_id", 2 }, { "action", 3 }, { "timestamp", 12 }, { "user_id", new ObjectId("0123456789abcdef01234567") } },
            new BsonDocument { { "_id", 3 }, { "action", BsonNull.Value } },
        ]);
        using var original = MongoLegacy.Open(fixture.Options.ConnectionString, _database);

        (await original.ReadUsersAsync(default).SingleAsync()).ShouldBe(new LegacyUser("7", null, null, null, null, false));
        (await original.ReadLocksAsync(default).SingleAsync()).ShouldBe(new LegacyLockRow(null, null, null));
        (await original.ReadCommandsAsync(default).ToListAsync()).ShouldBe(
        [
            new LegacyCommandRow("1", FirstSystem.Begun, null, "LOCK", null),
            new LegacyCommandRow("2", null, null, null, "0123456789abcdef01234567"),
        ]);
        (await original.CountHeartbeatsAsync(default)).ShouldBe(1);
    }

    private async Task SeedAsync()
    {
        var lena = ObjectId.GenerateNewId(FirstSystem.Begun.UtcDateTime);
        await Database.GetCollection<BsonDocument>("users").InsertManyAsync(
        [
            new BsonDocument { { "_id", lena }, { "username", "lena" }, { "email", "lena@example.org" }, { "password", Secret }, { "is_admin", false } },
            new BsonDocument { { "_id", ObjectId.GenerateNewId(FirstSystem.Begun.UtcDateTime) }, { "username", "chief" }, { "password", Secret }, { "is_admin", true } },
            new BsonDocument { { "username", "x" }, { "password", Secret } },
        ]);
        await Database.GetCollection<BsonDocument>("locks").InsertManyAsync(
        [
            new BsonDocument { { "_id", "device-1" }, { "name", "Hall" }, { "owner", "lena" }, { "status", "Online" }, { "state", "Locked" } },
            new BsonDocument { { "_id", "device-2" }, { "name", "Shed" }, { "owner", "x" } },
        ]);
        var time = FirstSystem.Begun.UtcDateTime.AddHours(1);
        await Database.GetCollection<BsonDocument>("logs").InsertManyAsync(
        [
            new BsonDocument { { "timestamp", time }, { "action", "UNLOCK" }, { "device_id", "device-1" }, { "user_id", "lena" } },
            new BsonDocument { { "timestamp", time }, { "action", "LOCK" }, { "device_id", "device-1" }, { "user_id", lena } },
            new BsonDocument { { "timestamp", time }, { "action", "LOCK" }, { "device_id", "device-2" }, { "user_id", "x" } },
            .. Enumerable.Range(0, 3).Select(_ => new BsonDocument { { "timestamp", time }, { "device_id", "device-1" }, { "status", "Online" }, { "state", "Locked" } }),
        ]);
    }

    private string[] TargetOf(string store) =>
    [
        $"--Data:Folder={_folder}",
        $"--Storage:Provider={store}",
        .. store == "MongoDb" ? [$"--Storage:MongoDb:ConnectionString={fixture.Options.ConnectionString}", $"--Storage:MongoDb:Database={_target}"] : Array.Empty<string>(),
    ];

    private Task<(int Code, string Output)> ImportAsync(string store, params string[] more) => RunAsync(
        ["import", "original", $"--database={_database}", "--Accounts:PasswordIterations=100000", .. TargetOf(store), .. more],
        fixture.Options.ConnectionString);

    private static async Task<(int Code, string Output)> RunAsync(string[] arguments, string? uri)
    {
        var environment = uri is null ? [] : new Dictionary<string, string> { ["SMARTLOCK_ORIGINAL_MONGODB"] = uri };
        await using var program = ExternalProgram.Start("dotnet", [Server, .. arguments], environment: environment);
        var code = await program.ExitAsync(Patience);
        return (code, program.Output);
    }
}
