using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>What several servers do at once to the same locks and commands, and what is left by one that was killed amid it.</summary>
public sealed class MongoCommandRaceTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const int ManyLocks = 60;

    [Fact]
    public async Task One_idempotency_key_issues_once_whichever_servers_are_asked()
    {
        var (one, other) = await StartTwoAsync();
        await one.HearAsync("D1");
        await one.HearAsync("D2");

        // The same request of both, and another with the same key.
        var results = await Task.WhenAll(Enumerable.Range(0, 60).Select(i =>
            (i % 2 == 0 ? one : other).Commands.IssueAsync(StoreSet.Unlock(i % 3 == 0 ? "D2" : "D1", $"C{i}", key: "k"), default)));

        var issued = results.Single(r => r.Outcome is IssueOutcome.Issued).Command!;
        results.Count(r => r.Outcome is IssueOutcome.AlreadyIssued).ShouldBe(issued.DeviceId == "D1" ? 39 : 19);
        results.Where(r => r.Command is not null).ShouldAllBe(r => r.Command == issued);
        (await one.LogAsync("D1")).Concat(await one.LogAsync("D2")).Count(l => l.EndsWith(" sent", StringComparison.Ordinal)).ShouldBe(1);
        (await Commands(fixture.AddServer()).CountDocumentsAsync(Builders<BsonDocument>.Filter.Empty)).ShouldBe(1);
    }

    [Fact]
    public async Task Times_of_issue_increase_strictly_whichever_servers_are_asked()
    {
        var (one, other) = await StartTwoAsync();
        await one.HearAsync("D1");

        var results = await Task.WhenAll(Enumerable.Range(0, 60).Select(i =>
            (i % 2 == 0 ? one : other).Commands.IssueAsync(StoreSet.Unlock("D1", $"C{i}"), default)));

        results.Select(r => r.Command!.IssuedAt).Distinct().Count().ShouldBe(60);
        (await one.LogAsync("D1")).Count(l => l.EndsWith(" sent", StringComparison.Ordinal)).ShouldBe(60);
    }

    [Fact]
    public async Task Of_verdicts_and_expiries_on_several_servers_each_command_has_one_verdict()
    {
        var (one, other) = await StartTwoAsync();
        await one.HearAsync("D1");
        await one.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        var late = StoreSet.Noon.AddSeconds(30);

        var decisions = Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? one : other).DecideAsync("D1", "C1", i % 3 == 0 ? "jammed" : "done", late)).ToList();
        await Task.WhenAll(one.Commands.ExpireAsync(late, late, 10, default), other.Commands.ExpireAsync(late, late, 10, default));
        var decided = (await Task.WhenAll(decisions)).SelectMany(d => d.Decided).ShouldHaveSingleItem();

        (await other.Commands.FindAsync("C1", "ada", default)).ShouldBe(decided);
        (await one.LogAsync("D1")).Count(l => l.StartsWith("device:D1 command.unlock", StringComparison.Ordinal)).ShouldBe(1);
        (await one.LogAsync("D1")).Count(l => l.EndsWith("expired", StringComparison.Ordinal)).ShouldBeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task A_fleet_that_comes_back_to_several_servers_is_logged_once()
    {
        var (one, other) = await StartTwoAsync();
        foreach (var i in Enumerable.Range(0, ManyLocks))
        {
            await one.RegisterAsync($"D{i}");
        }

        var reports = Enumerable.Range(0, ManyLocks).Select(i => StoreSet.Report($"D{i}")).ToArray();
        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => (i % 2 == 0 ? one : other).ReportAsync(reports)));

        results.SelectMany(r => r.CameBack).Order().ShouldBe(reports.Select(r => r.DeviceId).Order());
        var late = StoreSet.Noon.AddSeconds(30);
        var silent = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => (i % 2 == 0 ? one : other).Devices.MarkSilentAsync(late, late, ManyLocks, default)));
        silent.SelectMany(s => s).Order().ShouldBe(reports.Select(r => r.DeviceId).Order());
        foreach (var report in reports)
        {
            (await one.LogAsync(report.DeviceId)).ShouldBe(
                ["ada lock.register registered", $"device:{report.DeviceId} lock.state available", "system lock.state unavailable: No heartbeat"]);
        }
    }

    [Fact]
    public async Task A_command_whose_server_was_killed_before_it_drained_is_on_the_record_and_keeps_its_key()
    {
        var clock = new FakeClock();
        var server = await fixture.StartAsync(clock);
        var stores = MongoFixture.StoresOf(server);
        await stores.HearAsync("D1");
        var issued = (await stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default)).Command!;
        await LeaveAsync(server, issued with { Id = "C2" }, "k");

        (await stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C3", key: "k"), default)).ShouldSatisfyAllConditions(
            r => r.Outcome.ShouldBe(IssueOutcome.AlreadyIssued),
            r => r.Command!.Id.ShouldBe("C2"));
        clock.Advance(TimeSpan.FromMinutes(1));
        (await fixture.AddServer(clock).GetRequiredService<MongoOutboxSweep>().RunAsync(default)).ShouldBe(1);

        var log = (await stores.Audit.ListAsync("ada", new AuditFilter("D1"), null, 10, default)).Items;
        log.Where(e => e.Result == "sent").Select(e => e.CommandId).ShouldBe(["C2", "C1"]);
        var late = StoreSet.Noon.AddSeconds(30);
        (await stores.Commands.ExpireAsync(late, late, 10, default)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Who_loses_the_lock_while_a_command_is_issued_does_not_move_it()
    {
        var clock = new InterruptedClock();
        var server = await fixture.StartAsync(clock);
        var stores = MongoFixture.StoresOf(server);
        await stores.HearAsync("D1");
        var locks = server.GetRequiredService<MongoDatabase>().Collection(LockFields.Collection);

        // Between the two writes of a command the log asks for the time.
        clock.Interrupt = () => locks.UpdateOne(
            Builders<BsonDocument>.Filter.Eq("_id", "D1"),
            Builders<BsonDocument>.Update.Set(LockFields.Owner, "eve").Set(LockFields.OwnerKey, "EVE").Set(LockFields.Tenure, "another"));
        var result = await stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);

        clock.Interrupt.ShouldBeNull();
        result.ShouldBe(new IssueResult(IssueOutcome.NotFound));
        (await stores.Commands.FindAsync("C1", "ada", default))!.State.ShouldBe(CommandState.Failed);
        (await stores.Commands.FindAsync("C1", "eve", default)).ShouldBeNull();
        (await stores.WholeLogAsync("D1"))[^2..].ShouldBe(["ada command.unlock sent", "system command.unlock refused: not found"]);
    }

    [Fact]
    public async Task A_report_is_judged_again_when_its_lock_changes_in_between()
    {
        var clock = new InterruptedClock();
        var server = await fixture.StartAsync(clock);
        var stores = MongoFixture.StoresOf(server);
        await stores.HearAsync("D1");
        var later = StoreSet.Noon.AddSeconds(9);
        var locks = server.GetRequiredService<MongoDatabase>().Collection(LockFields.Collection);
        clock.Interrupt = () => locks.UpdateOne(
            Builders<BsonDocument>.Filter.Eq("_id", "D1"),
            Builders<BsonDocument>.Update.Set(LockFields.State, nameof(LockState.Unavailable)).Set(LockFields.Issue, LockIssues.NoHeartbeat));

        var result = await stores.ReportAsync(StoreSet.Report("D1", later, LockStatus.Unlocked));

        clock.Interrupt.ShouldBeNull();
        (result.CameBack.Count, result.Changed.Count).ShouldBe((1, 0));
        (await stores.Locks.FindAsync("D1", "ada", default)).ShouldSatisfyAllConditions(
            l => l!.State.ShouldBe(LockState.Available),
            l => l!.Status.ShouldBe(LockStatus.Unlocked),
            l => l!.Issue.ShouldBeNull());
    }

    private async Task<(StoreSet One, StoreSet Other)> StartTwoAsync() =>
        (MongoFixture.StoresOf(await fixture.StartAsync()), MongoFixture.StoresOf(fixture.AddServer()));

    private static IMongoCollection<BsonDocument> Commands(IServiceProvider server) =>
        server.GetRequiredService<MongoDatabase>().Collection(CommandDocument.Collection);

    /// <summary>As the store leaves it when its process ends right after the insertion.</summary>
    private static async Task LeaveAsync(IServiceProvider server, Command command, string key)
    {
        var stored = await server.GetRequiredService<MongoDatabase>().Collection(LockFields.Collection)
            .Find(Builders<BsonDocument>.Filter.Eq("_id", command.DeviceId))
            .SingleAsync();
        var tenure = stored[LockFields.Tenure].AsString;
        var sent = await server.GetRequiredService<MongoLog>()
            .PrepareAsync(MongoEntries.Outcome(command, command.RequestedBy, AuditResults.Sent, StoreSet.Noon), tenure, default);
        await Commands(server).InsertOneAsync(CommandDocument.ToBson(command, key, tenure, sent));
    }

    /// <summary>Does something once when it is asked for the time: another server's write, at that very moment.</summary>
    private sealed class InterruptedClock : TimeProvider
    {
        public Action? Interrupt { get; set; }

        public override DateTimeOffset GetUtcNow()
        {
            var interrupt = Interrupt;
            Interrupt = null;
            interrupt?.Invoke();
            return base.GetUtcNow();
        }
    }
}
