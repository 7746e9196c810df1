using Microsoft.Extensions.DependencyInjection;
using MongoDB.Driver;
using SmartLock.Server.Commands;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>What several servers do at once to the same locks and commands.</summary>
public sealed class MongoCommandRaceTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const int ManyLocks = 60;

    [Fact]
    public async Task One_idempotency_key_issues_once_whichever_servers_are_asked()
    {
        var (one, other) = await StartTwoAsync();
        await one.RegisterOnlineAsync("D1");
        await one.RegisterOnlineAsync("D2");

        // The same request of both, and another with the same key.
        var results = await Task.WhenAll(Enumerable.Range(0, 60).Select(i =>
            (i % 2 == 0 ? one : other).Commands.IssueAsync(StoreSet.Unlock(i % 3 == 0 ? "D2" : "D1", $"C{i}", key: "k"), default)));

        var issued = results.Single(r => r.Outcome is IssueOutcome.Issued).Command!;
        results.Count(r => r.Outcome is IssueOutcome.AlreadyIssued).ShouldBe(issued.DeviceId == "D1" ? 39 : 19);
        results.Where(r => r.Command is not null).ShouldAllBe(r => r.Command == issued);
        (await one.LogAsync("D1")).Concat(await one.LogAsync("D2")).Count(l => l.EndsWith(" sent", StringComparison.Ordinal)).ShouldBe(1);
        (await Commands(fixture.AddServer()).CountDocumentsAsync(Builders<CommandDocument>.Filter.Empty)).ShouldBe(1);
    }

    [Fact]
    public async Task Times_of_issue_increase_strictly_whichever_servers_are_asked()
    {
        var (one, other) = await StartTwoAsync();
        await one.RegisterOnlineAsync("D1");

        var results = await Task.WhenAll(Enumerable.Range(0, 60).Select(i =>
            (i % 2 == 0 ? one : other).Commands.IssueAsync(StoreSet.Unlock("D1", $"C{i}"), default)));

        results.Select(r => r.Command!.IssuedAt).Distinct().Count().ShouldBe(60);
        (await one.LogAsync("D1")).Count(l => l.EndsWith(" sent", StringComparison.Ordinal)).ShouldBe(60);
    }

    [Fact]
    public async Task Of_verdicts_and_expiries_on_several_servers_each_command_has_one_verdict()
    {
        var (one, other) = await StartTwoAsync();
        await one.RegisterOnlineAsync("D1");
        await one.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        var late = StoreSet.Noon.AddSeconds(30);

        var decisions = Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? one : other).DecideAsync("D1", "C1", "done", late)).ToList();
        await Task.WhenAll(one.Commands.ExpireAsync(late, late, 10, default), other.Commands.ExpireAsync(late, late, 10, default));
        var decided = (await Task.WhenAll(decisions)).SelectMany(d => d.Decided).ShouldHaveSingleItem();

        (await other.Commands.FindAsync("C1", "ada", default)).ShouldBe(decided);
        (await one.LogAsync("D1")).Count(l => l.StartsWith("device:D1 command.unlock", StringComparison.Ordinal)).ShouldBe(1);
        (await one.LogAsync("D1")).Count(l => l.EndsWith("expired", StringComparison.Ordinal)).ShouldBeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task Of_verdicts_that_contradict_each_other_on_several_servers_two_count_at_most()
    {
        var (one, other) = await StartTwoAsync();
        await one.RegisterOnlineAsync("D1");
        await one.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);

        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? one : other).DecideAsync("D1", "C1", i % 3 == 0 ? "jammed" : "done")));

        var decided = results.SelectMany(d => d.Decided).OrderBy(c => c.EarlierResult is not null).ToList();
        decided.Count.ShouldBe(2);
        (decided[0].EarlierResult, decided[1].EarlierResult).ShouldBe((null, decided[0].Result));
        (await other.Commands.FindAsync("C1", "ada", default)).ShouldBe(decided[1]);
        (await one.LogAsync("D1")).Count(l => l.StartsWith("device:D1 command.unlock", StringComparison.Ordinal)).ShouldBe(2);
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
        var silent = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => (i % 2 == 0 ? one : other).Devices.MarkOfflineAsync(late, late, ManyLocks, default)));
        silent.SelectMany(s => s).Order().ShouldBe(reports.Select(r => r.DeviceId).Order());
        foreach (var report in reports)
        {
            (await one.LogAsync(report.DeviceId)).ShouldBe(
                ["ada lock.register registered", $"device:{report.DeviceId} lock.state available", "system lock.state unavailable: No heartbeat"]);
        }
    }

    private async Task<(StoreSet One, StoreSet Other)> StartTwoAsync() =>
        (MongoFixture.StoresOf(await fixture.StartAsync()), MongoFixture.StoresOf(fixture.AddServer()));

    private static IMongoCollection<CommandDocument> Commands(IServiceProvider server) =>
        server.GetRequiredService<MongoDatabase>().Collection<CommandDocument>(CommandDocument.Collection);
}
