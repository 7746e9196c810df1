using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

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

    [Fact]
    public async Task The_bolt_of_a_device_that_names_no_command_ends_those_that_wanted_it_there()
    {
        await HearUnsignedAsync("D1");
        await OrderAsync("C1");
        await OrderAsync("C2", CommandAction.Lock, StoreSet.Noon.AddSeconds(1));
        await OrderAsync("C3", CommandAction.Unlock, StoreSet.Noon.AddSeconds(5));
        var at = StoreSet.Noon.AddSeconds(2);

        (await SeeAsync(LockStatus.Unknown, at)).ShouldBeEmpty();
        (await SeeAsync(LockStatus.Unlocked, StoreSet.Noon.AddSeconds(-1))).ShouldBeEmpty("it was reported before the command was issued");
        var decided = (await SeeAsync(LockStatus.Unlocked, at)).ShouldHaveSingleItem();

        (decided.Id, decided.State, decided.Result, decided.DecidedAt).ShouldBe(("C1", CommandState.Done, "done", at));
        (await Stores.LogAsync("D1"))[^1].ShouldBe("device:D1 command.unlock done: seen");
        (await SeeAsync(LockStatus.Unlocked, at)).ShouldBeEmpty();
        (await SeeAsync(LockStatus.Locked, at)).ShouldHaveSingleItem().Id.ShouldBe("C2");
    }

    [Fact]
    public async Task Its_own_verdict_goes_before_where_the_bolt_is()
    {
        await HearUnsignedAsync("D1");
        await OrderAsync("C1");
        var report = StoreSet.Report("D1", StoreSet.Noon.AddSeconds(1), LockStatus.Unlocked) with { Unsigned = true };

        var result = await Stores.Devices.TakeAsync(new DeviceBatch([report], [new Verdict("D1", "C1", "jammed", report.ReceivedAt)], []));

        result.Decided.ShouldHaveSingleItem().Result.ShouldBe("jammed");
    }

    [Fact]
    public async Task Where_the_bolt_is_decides_nothing_for_a_device_that_signs()
    {
        await IssueAsync("C1");

        (await SeeAsync(LockStatus.Unlocked, StoreSet.Noon.AddSeconds(1))).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("done", "done")]
    [InlineData("expired", "expired")]
    [InlineData("jammed", "jammed")]
    [InlineData("done", "expired")]
    [InlineData("done", "replayed")]
    [InlineData("expired", "replayed")]
    public async Task A_repeated_verdict_or_a_later_refusal_changes_and_logs_nothing(string result, string later)
    {
        await IssueAsync("C1");
        await Stores.DecideAsync("D1", "C1", result);
        var before = await Stores.LogAsync("D1");
        (await Stores.DecideAsync("D1", "C1", later)).Decided.ShouldBeEmpty();
        (await Stores.LogAsync("D1")).ShouldBe(before);
    }

    [Theory]
    [InlineData("expired", "done", "Done")]
    [InlineData("replayed", "done", "Done")]
    [InlineData("expired", "jammed", "Failed")]
    [InlineData("jammed", "done", "Done")]
    [InlineData("done", "jammed", "Failed")]
    public async Task A_verdict_of_a_movement_that_contradicts_an_earlier_one_is_recorded_once(string result, string later, string state)
    {
        await IssueAsync("C1");
        await Stores.DecideAsync("D1", "C1", result);
        var at = StoreSet.Noon.AddMinutes(2);

        var decided = (await Stores.DecideAsync("D1", "C1", later, at)).Decided.ShouldHaveSingleItem();

        (decided.State.ToString(), decided.Result, decided.EarlierResult, decided.DecidedAt).ShouldBe((state, later, result, at));
        (await Stores.Commands.FindAsync("C1", "ada", default)).ShouldBe(decided);
        (await Stores.LogAsync("D1"))[^1].ShouldBe($"device:D1 command.unlock {later} after {result}");
        var before = await Stores.LogAsync("D1");
        (await Stores.DecideAsync("D1", "C1", later)).Decided.ShouldBeEmpty();
        (await Stores.DecideAsync("D1", "C1", result)).Decided.ShouldBeEmpty("a device that changes its mind each time would fill the log");
        (await Stores.LogAsync("D1")).ShouldBe(before);
    }

    [Fact]
    public async Task Two_contradicting_verdicts_of_one_batch_are_both_on_record()
    {
        await IssueAsync("C1");
        Verdict[] verdicts = [new("D1", "C1", "expired", StoreSet.Noon.AddSeconds(1)), new("D1", "C1", "done", StoreSet.Noon.AddSeconds(1))];

        var decided = (await Stores.Devices.TakeAsync(new DeviceBatch([], verdicts, []))).Decided;

        decided.Select(c => (c.Result, c.EarlierResult)).ShouldBe([("expired", null), ("done", "expired")]);
        (await Stores.Commands.FindAsync("C1", "ada", default)).ShouldBe(decided[1]);
        (await Stores.LogAsync("D1"))[^2..].ShouldBe(["device:D1 command.unlock expired", "device:D1 command.unlock done after expired"]);
    }

    [Fact]
    public async Task Done_after_the_server_took_it_for_unreachable_is_a_contradiction_too()
    {
        await IssueAsync("C1");
        await Stores.Commands.FailAsync("C1", "unreachable", StoreSet.Noon, default);

        var decided = (await Stores.DecideAsync("D1", "C1", "done")).Decided.ShouldHaveSingleItem();

        (decided.State, decided.EarlierResult).ShouldBe((CommandState.Done, "unreachable"));
    }

    [Theory]
    [InlineData("9f2c4b1a00d7e368")]
    [InlineData(null)]
    public async Task A_command_is_for_the_start_that_the_last_believed_status_named(string? boot)
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ReportAsync(StoreSet.Report("D1", StoreSet.Noon.AddSeconds(1)) with { Boot = "0123456789abcdef" });
        await Stores.ReportAsync(StoreSet.Report("D1", StoreSet.Noon.AddSeconds(2)) with { Boot = boot });

        (await Stores.Devices.FindAsync("D1", default))!.Boot.ShouldBe(boot);
        (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default)).Route!.Boot.ShouldBe(boot);
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
        decided.EarlierResult.ShouldBe(result == "done" ? "expired" : null);
        (await Stores.LogAsync("D1"))[^1].ShouldBe($"device:D1 command.unlock {result}");
    }

    [Fact]
    public async Task Another_devices_verdict_does_not_count()
    {
        await IssueAsync("C1");
        await Stores.RegisterOnlineAsync("D2");
        (await Stores.DecideAsync("D2", "C1", "done")).Decided.ShouldBeEmpty();
        (await Stores.Commands.FindAsync("C1", "ada", default))!.State.ShouldBe(CommandState.Sent);
    }

    [Fact]
    public async Task Of_many_verdicts_at_once_one_decides_and_one_contradicts_it()
    {
        await IssueAsync("C1");
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            Stores.DecideAsync("D1", "C1", i % 2 == 0 ? "done" : "jammed")));
        results.Sum(result => result.Decided.Count).ShouldBe(2);
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
        await Stores.RegisterOnlineAsync("D1");
        await OrderAsync(commandId);
    }

    private async Task OrderAsync(string commandId, CommandAction action = CommandAction.Unlock, DateTimeOffset? now = null) =>
        (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", commandId, action: action, now: now), default)).Outcome.ShouldBe(IssueOutcome.Issued);

    private async Task HearUnsignedAsync(string deviceId)
    {
        var entry = new NewAuditEntry(StoreSet.Noon, deviceId, "ada", AuditActions.LockRegistered, AuditResults.Registered);
        var sketch = new NewLock(deviceId, "Sketch", "ada", [1, 2, 3], Unsigned: true, StoreSet.Noon);
        (await Stores.Locks.RegisterAsync(sketch, StoreSet.ManyLocks, entry, default)).ShouldBe(RegisterLockOutcome.Registered);
        await Stores.ReportAsync(StoreSet.Report(deviceId));
    }

    private async Task<IReadOnlyList<Command>> SeeAsync(LockStatus bolt, DateTimeOffset at) =>
        (await Stores.ReportAsync(StoreSet.Report("D1", at, bolt) with { Unsigned = true })).Decided;
}
