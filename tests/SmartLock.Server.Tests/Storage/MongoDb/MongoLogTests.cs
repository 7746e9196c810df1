using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>Outboxes and chains: what several servers do at once, and what one leaves that was killed between two writes.</summary>
public sealed class MongoLogTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private static readonly FilterDefinition<BsonDocument> All = Builders<BsonDocument>.Filter.Empty;

    private readonly FakeClock _clock = new();

    [Fact]
    public async Task Servers_that_append_to_one_chain_leave_no_gap_and_lose_nothing()
    {
        var servers = new[] { await fixture.StartAsync(), fixture.AddServer(), fixture.AddServer() };

        await Task.WhenAll(servers.SelectMany((server, s) => Enumerable.Range(0, 60).Select(i => AppendAsync(server, "D1", $"{s}-{i}"))));

        var entries = await EntriesAsync(servers[0], "D1");
        entries.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, 180).Select(i => (long)i));
        entries.Select(e => e.Result).Distinct().Count().ShouldBe(180);
        entries.Select(e => e.Id).ShouldBe(entries.Select(e => e.Id).Order());
        (await VerifyAsync(servers[0])).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task A_thousand_chains_at_once_are_appended_in_a_few_steps()
    {
        var server = await fixture.StartAsync();
        var log = server.GetRequiredService<MongoLog>();
        for (var round = 1; round <= 2; round++)
        {
            await log.AppendAsync(await log.PrepareAsync([.. Enumerable.Range(0, 1_000).Select(i => (Entry($"D{i}", "r"), (string?)null))], default), default);
        }

        var report = await VerifyAsync(server);
        (report.Entries, report.Chains, report.IsIntact).ShouldBe((2_000, 1_000, true));
    }

    [Fact]
    public async Task What_a_killed_server_left_in_an_outbox_is_drained_later_once_and_by_anybody()
    {
        var server = await fixture.StartAsync(_clock);
        var other = fixture.AddServer(_clock);
        await LeaveAsync(server, "D1", "left");

        (await SweepAsync(server)).ShouldBe(0, "who pushed it may be about to drain it");
        (await EntriesAsync(server, "D1")).ShouldBeEmpty();
        _clock.Advance(MongoOutboxSweep.LeftAfter + TimeSpan.FromSeconds(1));
        await Task.WhenAll([SweepAsync(server), SweepAsync(other), .. Enumerable.Range(0, 20).Select(i => DrainAsync(i % 2 == 0 ? server : other, "D1"))]);

        (await EntriesAsync(server, "D1")).ShouldHaveSingleItem().Result.ShouldBe("left");
        (await OutboxAsync(server, "D1")).Count.ShouldBe(0);
        (await SweepAsync(other)).ShouldBe(0);
        (await VerifyAsync(server)).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task An_entry_that_was_appended_before_its_outbox_could_be_emptied_is_not_appended_again()
    {
        var server = await fixture.StartAsync(_clock);
        var entry = await LeaveAsync(server, "D1", "left");
        await server.GetRequiredService<MongoLog>().AppendAsync([entry], default);
        await AppendAsync(server, "D1", "next");

        await DrainAsync(fixture.AddServer(_clock), "D1");

        (await EntriesAsync(server, "D1")).Select(e => e.Result).ShouldBe(["left", "next"]);
        (await OutboxAsync(server, "D1")).Count.ShouldBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_head_that_moved_before_its_entries_were_copied_loses_none(bool isSwept)
    {
        var server = await fixture.StartAsync(_clock);
        await AppendAsync(server, "D1", "first");
        await AppendAsync(server, "D1", "second");
        await CutAfterHeadAsync(server, "D1");
        (await EntriesAsync(server, "D1")).Count.ShouldBe(1, "the second stands in the head alone");
        (await VerifyAsync(server)).ShouldBe(new VerificationReport(2, 1, 0, []), new ReportComparer());
        (await VerifyAsync(server, "D1")).Entries.ShouldBe(2);

        if (isSwept)
        {
            (await SweepAsync(fixture.AddServer(_clock))).ShouldBe(1);
        }
        else
        {
            await AppendAsync(fixture.AddServer(_clock), "D1", "third");
        }

        (await EntriesAsync(server, "D1")).Select(e => e.Result).Take(2).ShouldBe(["first", "second"]);
        var head = await HeadAsync(server, "D1");
        (head.Contains("tail"), head.Contains("open")).ShouldBe((false, false));
        (await VerifyAsync(server)).IsIntact.ShouldBeTrue();
    }

    [Fact]
    public async Task What_somebody_else_put_into_an_outbox_is_not_taken_for_an_entry()
    {
        var server = await fixture.StartAsync(_clock);
        var genuine = await LeaveAsync(server, "D1", "genuine");
        var forged = genuine.ToBson();
        forged["key"] = "01FORGED";
        forged["result"] = "forged";
        await DevicesOf(server).UpdateOneAsync(ById("D1"), Builders<BsonDocument>.Update.PushEach("outbox", [forged, new BsonDocument("at", 1L), new BsonDocument { { "at", "x" } }]));
        _clock.Advance(TimeSpan.FromMinutes(1));

        await SweepAsync(server);

        (await EntriesAsync(server, "D1")).ShouldHaveSingleItem().Result.ShouldBe("genuine");
        (await OutboxAsync(server, "D1")).Count.ShouldBe(0);
        var document = await DevicesOf(server).Find(ById("D1")).SingleAsync();
        document["outbox_rejected"].AsBsonArray.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Names_stand_in_the_log_as_ids()
    {
        var server = await fixture.StartAsync();
        await MongoFixture.StoresOf(server).MoveInAsync("Ada");
        var log = server.GetRequiredService<MongoLog>();
        var entry = new NewAuditEntry(StoreSet.Noon, "D1", "ada", AuditActions.ShareGranted, "granted", Target: "nobody");

        await log.AppendAsync([await log.PrepareAsync(entry, null, default)], default);

        var stored = (await EntriesAsync(server, "D1")).ShouldHaveSingleItem();
        stored.Actor.ShouldStartWith("user:");
        stored.Target.ShouldBe("nobody");
        var audit = server.GetRequiredService<IAuditStore>();
        (await audit.ListAllAsync(new AuditFilter("D1"), null, 10, default)).Items.Single().Actor.ShouldBe("Ada");
        (await audit.ListAllAsync(new AuditFilter("D1", "ADA"), null, 10, default)).Items.Count.ShouldBe(1);
    }

    private static NewAuditEntry Entry(string deviceId, string result) =>
        new(StoreSet.Noon, deviceId, AuditActors.System, AuditActions.Connectivity, result);

    private static FilterDefinition<BsonDocument> ById(string id) => Builders<BsonDocument>.Filter.Eq("_id", id);

    /// <summary>A collection whose documents have outboxes.</summary>
    private static IMongoCollection<BsonDocument> DevicesOf(IServiceProvider server) =>
        server.GetRequiredService<MongoDatabase>().Collection(CommandDocument.Collection);

    private static async Task AppendAsync(IServiceProvider server, string deviceId, string result)
    {
        var log = server.GetRequiredService<MongoLog>();
        await log.AppendAsync([await log.PrepareAsync(Entry(deviceId, result), null, default)], default);
    }

    /// <summary>A change whose server was killed before it drained.</summary>
    private static async Task<OutboxEntry> LeaveAsync(IServiceProvider server, string deviceId, string result)
    {
        var entry = await server.GetRequiredService<MongoLog>().PrepareAsync(Entry(deviceId, result), null, default);
        await DevicesOf(server).InsertOneAsync(new BsonDocument { { "_id", deviceId }, { "outbox", new BsonArray { entry.ToBson() } } });
        return entry;
    }

    private static async Task DrainAsync(IServiceProvider server, string id) =>
        await server.GetRequiredService<MongoLog>().DrainAsync(DevicesOf(server), [id], default);

    private static Task<int> SweepAsync(IServiceProvider server) => server.GetRequiredService<MongoOutboxSweep>().RunAsync(default);

    private static async Task<BsonArray> OutboxAsync(IServiceProvider server, string id) =>
        (await DevicesOf(server).Find(ById(id)).SingleAsync()).GetValue("outbox", new BsonArray()).AsBsonArray;

    /// <summary>As a server leaves it that was killed between the move of the head and the copy of its tail.</summary>
    private static async Task CutAfterHeadAsync(IServiceProvider server, string deviceId)
    {
        var database = server.GetRequiredService<MongoDatabase>();
        var last = (await EntriesAsync(server, deviceId))[^1];
        var copy = await database.Collection(MongoChains.Logs).FindOneAndDeleteAsync(ById($"{deviceId}/{last.Sequence}"));
        await database.Collection(MongoChains.Heads).UpdateOneAsync(
            ById(deviceId),
            Builders<BsonDocument>.Update.Set("tail", new BsonArray { copy }).Set("open", true));
    }

    private static Task<BsonDocument> HeadAsync(IServiceProvider server, string deviceId) =>
        server.GetRequiredService<MongoDatabase>().Collection(MongoChains.Heads).Find(ById(deviceId)).SingleAsync();

    private static async Task<List<ChainedEntry>> EntriesAsync(IServiceProvider server, string deviceId)
    {
        var logs = server.GetRequiredService<MongoDatabase>().Collection(MongoChains.Logs);
        var found = await logs.Find(All & Builders<BsonDocument>.Filter.Eq("device_id", deviceId)).SortBy(e => e["seq"]).ToListAsync();
        return [.. found.Select(LogDocument.FromBson)];
    }

    private static Task<VerificationReport> VerifyAsync(IServiceProvider server, string? deviceId = null) =>
        new AuditVerification(server.GetRequiredService<IAuditStore>(), MongoFixture.Chain).RunAsync(deviceId, default);

    private sealed class ReportComparer : IEqualityComparer<VerificationReport>
    {
        public bool Equals(VerificationReport? x, VerificationReport? y) =>
            x is not null && y is not null && (x.Entries, x.Chains, x.BrokenChains) == (y.Entries, y.Chains, y.BrokenChains);

        public int GetHashCode(VerificationReport obj) => obj.Entries.GetHashCode();
    }
}
