using SmartLock.Server.Audit;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Tests.Storage;

public abstract class VerdictContract : StoreContract
{
    [Theory]
    [InlineData("done", "Done")]
    [InlineData("expired", "Expired")]
    [InlineData("jammed", "Failed")]
    [InlineData("bad_signature", "Failed")]
    public async Task A_verdict_ends_the_command(string result, string state)
    {
        await IssueAsync("C1");
        var at = StoreSet.Noon.AddSeconds(1);
        var decided = (await Stores.DecideAsync("D1", "C1", result, at)).Decided.ShouldHaveSingleItem();
        (decided.State.ToString(), decided.Result, decided.DecidedAt).ShouldBe((state, result, at));
        (await Stores.Commands.FindAsync("C1", "ada", default)).ShouldBe(decided);
        var entry = (await Stores.Audit.ListAsync("ada", new AuditFilter("D1"), null, 1, default)).Items[0];
        (entry.Actor, entry.Action, entry.Result, entry.CommandId).ShouldBe(("device:D1", "command.unlock", result, "C1"));
    }

    [Theory]
    [InlineData("done")]
    [InlineData("expired")]
    [InlineData("jammed")]
    public async Task A_repeated_verdict_changes_and_logs_nothing(string result)
    {
        await IssueAsync("C1");
        await Stores.DecideAsync("D1", "C1", result);
        var before = await Stores.LogAsync("D1");
        (await Stores.DecideAsync("D1", "C1", result)).Decided.ShouldBeEmpty();
        (await Stores.DecideAsync("D1", "C1", "done")).Decided.ShouldBeEmpty();
        (await Stores.LogAsync("D1")).ShouldBe(before);
    }

    [Theory]
    [InlineData("done", "Done")]
    [InlineData("expired", "Expired")]
    public async Task A_verdict_after_expiry_still_counts(string result, string state)
    {
        await IssueAsync("C1");
        var late = StoreSet.Noon.AddSeconds(30);
        await Stores.Commands.ExpireAsync(late, late, 10, default);
        var decided = (await Stores.DecideAsync("D1", "C1", result, late)).Decided.ShouldHaveSingleItem();
        (decided.State.ToString(), decided.Result).ShouldBe((state, result));
    }

    [Fact]
    public async Task Another_devices_verdict_does_not_count()
    {
        await IssueAsync("C1");
        await Stores.HearAsync("D2");
        (await Stores.DecideAsync("D2", "C1", "done")).Decided.ShouldBeEmpty();
        (await Stores.Commands.FindAsync("C1", "ada", default))!.State.ShouldBe(CommandState.Sent);
    }

    [Fact]
    public async Task Of_many_verdicts_at_once_one_decides()
    {
        await IssueAsync("C1");
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            Stores.DecideAsync("D1", "C1", i % 2 == 0 ? "done" : "jammed")));
        results.Sum(result => result.Decided.Count).ShouldBe(1);
    }

    [Fact]
    public async Task Expiry_and_verdict_at_once_leave_the_verdict()
    {
        await IssueAsync("C1");
        var late = StoreSet.Noon.AddSeconds(30);
        await Task.WhenAll(
            Stores.Commands.ExpireAsync(late, late, 10, default),
            Stores.DecideAsync("D1", "C1", "done", late),
            Stores.Commands.ExpireAsync(late, late, 10, default));
        (await Stores.Commands.FindAsync("C1", "ada", default))!.State.ShouldBe(CommandState.Done);
    }

    private async Task IssueAsync(string commandId)
    {
        await Stores.HearAsync("D1");
        (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", commandId), default)).Outcome.ShouldBe(IssueOutcome.Issued);
    }
}
