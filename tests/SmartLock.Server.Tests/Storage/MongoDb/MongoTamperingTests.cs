using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>Somebody who can write to the database, but has not the server's audit key. The same as with SQLite is found.</summary>
public sealed class MongoTamperingTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const string Altered = "D1 3 Altered";

    [Theory]
    [InlineData("result", "sent")]
    [InlineData("time", 1L)]
    [InlineData("actor", "user:00")]
    [InlineData("action", "command.lock")]
    [InlineData("command_id", "")]
    [InlineData("target", "x")]
    [InlineData("hash", null)]
    [InlineData("previous_hash", null)]
    public async Task An_altered_entry_is_named(string member, object? value)
    {
        var server = await WriteLogAsync();
        await Logs(server).UpdateOneAsync(At("D1", 3), Builders<BsonDocument>.Update.Set(member, value is null ? new byte[32] : BsonValue.Create(value)));
        await ShouldFindAsync(server, Altered);
    }

    [Theory]
    [InlineData(3, 3, "D1 3 Missing")]
    [InlineData(1, 1, "D1 1 Missing")]
    [InlineData(5, 6, "D1 5 CutOff")]
    [InlineData(1, 6, "D1 1 CutOff")]
    public async Task Removed_entries_are_missed(int from, int until, string expected)
    {
        var server = await WriteLogAsync();
        (await Logs(server).DeleteManyAsync(Between("D1", from, until))).DeletedCount.ShouldBe(until - from + 1);
        await ShouldFindAsync(server, expected);
    }

    [Fact]
    public async Task A_lock_without_any_entry_has_lost_them()
    {
        var server = await WriteLogAsync();
        await Logs(server).DeleteManyAsync(Between("D1", 1, 6));
        await Heads(server).DeleteOneAsync(ById("D1"));
        await ShouldFindAsync(server, "D1 1 CutOff");
    }

    [Fact]
    public async Task A_removed_end_is_missed()
    {
        var server = await WriteLogAsync();
        await Heads(server).DeleteOneAsync(ById("D1"));
        await ShouldFindAsync(server, "D1 6 EndAltered");
    }

    [Fact]
    public async Task An_end_that_was_drawn_back_is_not_sealed()
    {
        var server = await WriteLogAsync();
        await DrawBackAsync(server);
        await ShouldFindAsync(server, "D1 5 EndAltered");
    }

    [Fact]
    public async Task Entries_that_changed_places_are_named()
    {
        var server = await WriteLogAsync();
        await Logs(server).UpdateOneAsync(At("D1", 3), Builders<BsonDocument>.Update.Set("seq", 100));
        await Logs(server).UpdateOneAsync(At("D1", 4), Builders<BsonDocument>.Update.Set("seq", 3));
        await Logs(server).UpdateOneAsync(At("D1", 100), Builders<BsonDocument>.Update.Set("seq", 4));
        await ShouldFindAsync(server, Altered);
    }

    [Fact]
    public async Task An_entry_that_was_moved_in_the_whole_log_is_named()
    {
        var server = await WriteLogAsync();
        await Logs(server).UpdateOneAsync(At("D1", 3), Builders<BsonDocument>.Update.Set("id", (1L << 53) - 1));
        await ShouldFindAsync(server, "D1 4 Misplaced");
    }

    [Theory]
    [InlineData("D1", 6, "D1", 7, "D1 7 Altered")]
    [InlineData("D1", 1, "D1", 0, "D1 1 Missing")]
    [InlineData("D1", 1, "D3", 1, "D3 1 Altered")]
    public async Task Added_entries_are_named(string of, int copied, string to, int place, string expected)
    {
        var server = await WriteLogAsync();
        var entry = await Logs(server).Find(At(of, copied)).SingleAsync();
        entry["_id"] = $"{to}/{place}";
        entry["device_id"] = to;
        entry["seq"] = place;
        entry["key"] = "another";
        await Logs(server).InsertOneAsync(entry);
        await ShouldFindAsync(server, expected);
    }

    [Theory]
    [InlineData("drawn back")]
    [InlineData("last entry removed")]
    [InlineData("end removed")]
    [InlineData("all entries removed")]
    [InlineData("end elsewhere")]
    [InlineData("entry added behind")]
    [InlineData("seal")]
    public async Task Writing_on_neither_fails_nor_mends_a_chain_whose_end_was_changed(string what)
    {
        var server = await WriteLogAsync();
        await (what switch
        {
            "drawn back" => DrawBackAsync(server),
            "last entry removed" => Logs(server).DeleteManyAsync(Between("D1", 6, 6)),
            "end removed" => Heads(server).DeleteOneAsync(ById("D1")),
            "all entries removed" => Logs(server).DeleteManyAsync(Between("D1", 1, 6)),
            "end elsewhere" => Heads(server).UpdateOneAsync(ById("D1"), Builders<BsonDocument>.Update.Set("seq", 3)),
            "entry added behind" => AddBehindAsync(server),
            _ => Heads(server).UpdateOneAsync(ById("D1"), Builders<BsonDocument>.Update.Set("seal", new byte[32])),
        });

        // Several in one pass, and passes behind one another.
        await AppendAsync(server, "D1", 3);
        await AppendAsync(fixture.AddServer(), "D1", 1);

        (await VerifyAsync(server)).Broken.ShouldHaveSingleItem().DeviceId.ShouldBe("D1");
    }

    [Theory]
    [InlineData("_id")]
    [InlineData("username")]
    [InlineData("name_hash")]
    public async Task Who_did_what_cannot_be_swapped_by_swapping_accounts(string member)
    {
        var server = await fixture.StartAsync();
        var stores = MongoFixture.StoresOf(server);
        await stores.CreateUsersAsync("ada", "bob");
        await AppendAsync(server, "D1", 1);
        (await VerifyAsync(server)).IsIntact.ShouldBeTrue();

        await SwapAsync(server, member);

        var swapped = MongoFixture.StoresOf(fixture.AddServer());
        var report = await VerifyAsync(server);
        (report.IsIntact, report.BrokenChains, report.BrokenAccounts).ShouldBe((false, 0, 2));
        report.Accounts.ShouldAllBe(a => a.Fault == AccountFault.Altered);
        (await swapped.WholeLogAsync("D1")).ShouldAllBe(line => line.StartsWith("altered:", StringComparison.Ordinal));

        // What is written meanwhile is nobody's for good.
        await AppendAsync(fixture.AddServer(), "D1", 1);
        await SwapAsync(server, member);
        (await MongoFixture.StoresOf(fixture.AddServer()).WholeLogAsync("D1"))[0].ShouldStartWith("ada ");
        var after = await VerifyAsync(server);
        after.IsIntact.ShouldBeFalse();
        after.Accounts.ShouldHaveSingleItem().Fault.ShouldBe(AccountFault.WrittenWhileAltered);
    }

    [Fact]
    public async Task An_account_that_was_removed_past_the_server_is_missed()
    {
        var server = await fixture.StartAsync();
        await MongoFixture.StoresOf(server).CreateUsersAsync("ada");
        await server.GetRequiredService<MongoDatabase>().Collection("users").DeleteManyAsync(Builders<BsonDocument>.Filter.Empty);

        (await VerifyAsync(server)).Accounts.ShouldHaveSingleItem().Fault.ShouldBe(AccountFault.Missing);
    }

    [Fact]
    public async Task The_whole_chain_of_the_accounts_is_missed()
    {
        var server = await fixture.StartAsync();
        await MongoFixture.StoresOf(server).CreateUsersAsync("ada");
        await Logs(server).DeleteManyAsync(Builders<BsonDocument>.Filter.Empty);
        await Heads(server).DeleteManyAsync(Builders<BsonDocument>.Filter.Empty);

        (await VerifyAsync(server)).Broken.ShouldHaveSingleItem().DeviceId.ShouldBe(AuditSubjects.Accounts);
    }

    private static async Task SwapAsync(IServiceProvider server, string member)
    {
        var users = server.GetRequiredService<MongoDatabase>().Collection("users");
        var both = await users.Find(Builders<BsonDocument>.Filter.Empty).ToListAsync();
        (both[0][member], both[1][member]) = (both[1][member], both[0][member]);
        await users.DeleteManyAsync(Builders<BsonDocument>.Filter.Empty);
        await users.InsertManyAsync(both);
    }

    /// <summary>Two locks with six entries each.</summary>
    private async Task<IServiceProvider> WriteLogAsync()
    {
        var server = await fixture.StartAsync();
        foreach (var deviceId in new[] { "D1", "D2" })
        {
            await server.GetRequiredService<MongoDatabase>().Collection(LockDocument.Collection).InsertOneAsync(new BsonDocument("_id", deviceId));
            await AppendAsync(server, deviceId, 4);
            await AppendAsync(server, deviceId, 2);
        }

        (await VerifyAsync(server)).ShouldSatisfyAllConditions(r => r.IsIntact.ShouldBeTrue(), r => r.Entries.ShouldBe(12), r => r.Chains.ShouldBe(2));
        return server;
    }

    private static async Task AppendAsync(IServiceProvider server, string deviceId, int count)
    {
        var entry = new NewAuditEntry(StoreSet.Noon, deviceId, "ada", AuditActions.UnlockCommand, AuditResults.Offline);
        await server.GetRequiredService<MongoDatabase>().TransactAsync(
            transaction => transaction.AppendAsync([.. Enumerable.Repeat((entry, (string?)null), count)]), default);
    }

    private static async Task ShouldFindAsync(IServiceProvider server, string expected)
    {
        Describe(await VerifyAsync(server)).ShouldBe([expected]);
        Describe(await VerifyAsync(server, expected.Split(' ')[0])).ShouldBe([expected]);
        (await VerifyAsync(server, "D2")).IsIntact.ShouldBeTrue();
    }

    private static string[] Describe(VerificationReport report) => [.. report.Broken.Select(b => $"{b.DeviceId} {b.Sequence} {b.Fault}")];

    private static Task<VerificationReport> VerifyAsync(IServiceProvider server, string? deviceId = null) =>
        new AuditVerification(server.GetRequiredService<IAuditStore>(), MongoFixture.Chain).RunAsync(deviceId, default);

    private static async Task DrawBackAsync(IServiceProvider server)
    {
        await Logs(server).DeleteOneAsync(At("D1", 6));
        var fifth = await Logs(server).Find(At("D1", 5)).SingleAsync();
        await Heads(server).UpdateOneAsync(ById("D1"), Builders<BsonDocument>.Update.Set("seq", 5).Set("hash", fifth["hash"]));
    }

    private static async Task AddBehindAsync(IServiceProvider server)
    {
        var entry = await Logs(server).Find(At("D1", 6)).SingleAsync();
        entry["_id"] = "D1/8";
        entry["seq"] = 8;
        entry["key"] = "another";
        await Logs(server).InsertOneAsync(entry);
    }

    private static IMongoCollection<BsonDocument> Logs(IServiceProvider server) => server.GetRequiredService<MongoDatabase>().Collection(LogDocument.Collection);

    private static IMongoCollection<BsonDocument> Heads(IServiceProvider server) => server.GetRequiredService<MongoDatabase>().Collection(LogHeadDocument.Collection);

    private static FilterDefinition<BsonDocument> ById(string id) => Builders<BsonDocument>.Filter.Eq("_id", id);

    private static FilterDefinition<BsonDocument> At(string deviceId, long sequence) => Between(deviceId, sequence, sequence);

    private static FilterDefinition<BsonDocument> Between(string deviceId, long from, long until) =>
        Builders<BsonDocument>.Filter.Eq("device_id", deviceId)
        & Builders<BsonDocument>.Filter.Gte("seq", from)
        & Builders<BsonDocument>.Filter.Lte("seq", until);
}
