using SmartLock.Server.Audit;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Tests.Storage;

public abstract class CommandStoreContract : StoreContract
{
    [Fact]
    public async Task An_attempt_is_issued_logged_and_found()
    {
        await Stores.RegisterOnlineAsync("D1");
        var result = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        var expected = new Command(
            "C1",
            "D1",
            CommandAction.Unlock,
            "ada",
            StoreSet.Noon,
            StoreSet.Noon + StoreSet.Validity,
            CommandState.Sent,
            null,
            null);
        result.Outcome.ShouldBe(IssueOutcome.Issued);
        result.Command.ShouldBe(expected);
        result.Route!.ProtectedKey.ShouldBe([1, 2, 3]);
        result.Route.OwnTopics.ShouldBeTrue();
        (await Stores.Commands.FindAsync("C1", "ada", default)).ShouldBe(expected);
        var entry = (await Stores.Audit.ListAsync("ada", new AuditFilter("D1"), null, 1, default)).Items[0];
        (entry.Actor, entry.Action, entry.Result, entry.CommandId, entry.Time)
            .ShouldBe(("ada", "command.unlock", "sent", "C1", StoreSet.Noon));
    }

    [Fact]
    public async Task Several_are_found_by_id_whoever_asked_for_them()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.RegisterOnlineAsync("E1", "eve");
        var first = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        await Stores.Commands.IssueAsync(StoreSet.Unlock("E1", "C2", "eve"), default);
        var decided = (await Stores.DecideAsync("E1", "C2", "jammed")).Decided.ShouldHaveSingleItem();

        var found = await Stores.Commands.FindManyAsync(["C1", "C404", "C2"], default);

        found.OrderBy(c => c.Id).ShouldBe([first.Command!, decided]);
        (await Stores.Commands.FindManyAsync([], default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_lock_that_is_offline_refuses_and_logs()
    {
        await Stores.RegisterAsync("D1");
        var result = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        result.ShouldBe(new IssueResult(IssueOutcome.Offline));
        (await Stores.LogAsync("D1"))[^1].ShouldBe("ada command.unlock refused: offline");
        (await Stores.Commands.FindAsync("C1", "ada", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_strangers_attempt_is_refused_like_one_on_nothing_and_the_owner_sees_it()
    {
        await Stores.RegisterOnlineAsync("D1");
        var foreign = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", "eve"), default);
        var missing = await Stores.Commands.IssueAsync(StoreSet.Unlock("D9", "C2", "eve"), default);
        foreign.ShouldBe(new IssueResult(IssueOutcome.NotFound));
        missing.ShouldBe(foreign);
        (await Stores.LogAsync("D1"))[^1].ShouldBe("eve command.unlock refused: not found");
        (await Stores.Audit.ListAllAsync(new AuditFilter("D9"), null, 1, default)).Items.Single().Result.ShouldBe("refused: not found");

        var log = await Stores.LogAsync("D1");
        var unrecorded = StoreSet.Unlock("D1", "C8", "eve") with { RecordsRefusal = false };
        (await Stores.Commands.IssueAsync(unrecorded, default)).Outcome.ShouldBe(IssueOutcome.NotFound);
        (await Stores.Commands.IssueAsync(unrecorded with { DeviceId = "D8" }, default)).Outcome.ShouldBe(IssueOutcome.NotFound);
        (await Stores.LogAsync("D1")).ShouldBe(log);
        (await Stores.Audit.ListAllAsync(new AuditFilter("D8"), null, 1, default)).Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task One_idempotency_key_issues_once_however_many_ask_at_once()
    {
        await Stores.RegisterOnlineAsync("D1");
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(i =>
            Stores.Commands.IssueAsync(StoreSet.Unlock("D1", $"C{i}", key: "k"), default)));
        var issued = results.Single(result => result.Outcome == IssueOutcome.Issued).Command;
        results.Count(result => result.Outcome == IssueOutcome.AlreadyIssued).ShouldBe(49);
        results.ShouldAllBe(result => result.Command == issued);
        (await Stores.LogAsync("D1")).Count(line => line.EndsWith("sent", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task A_key_used_for_another_request_is_refused_and_logged()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.RegisterOnlineAsync("D2");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", key: "k"), default);
        var otherLock = await Stores.Commands.IssueAsync(StoreSet.Unlock("D2", "C2", key: "k"), default);
        var otherAction = await Stores.Commands.IssueAsync(
            StoreSet.Unlock("D1", "C3", key: "k", action: CommandAction.Lock),
            default);
        otherLock.ShouldBe(new IssueResult(IssueOutcome.IdempotencyKeyReused));
        otherAction.ShouldBe(otherLock);
        (await Stores.LogAsync("D2"))[^1].ShouldBe("ada command.unlock refused: key reused");
        (await Stores.LogAsync("D1"))[^1].ShouldBe("ada command.lock refused: key reused");
    }

    [Fact]
    public async Task Keys_are_each_actors_own_and_none_is_no_key()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.RegisterOnlineAsync("E1", "eve");
        IssueRequest[] requests =
        [
            StoreSet.Unlock("D1", "C1", key: "k"),
            StoreSet.Unlock("E1", "C2", "eve", key: "k"),
            StoreSet.Unlock("D1", "C3"),
            StoreSet.Unlock("D1", "C4"),
        ];
        foreach (var request in requests)
        {
            (await Stores.Commands.IssueAsync(request, default)).Outcome.ShouldBe(IssueOutcome.Issued);
        }
    }

    [Fact]
    public async Task A_retry_gets_its_command_although_the_lock_has_gone_offline()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", key: "k"), default);
        await Stores.Devices.MarkOfflineAsync(StoreSet.Noon.AddSeconds(20), StoreSet.Noon.AddSeconds(20), 10, default);
        var retried = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C2", key: "k"), default);
        (retried.Outcome, retried.Command!.Id).ShouldBe((IssueOutcome.AlreadyIssued, "C1"));
    }

    [Fact]
    public async Task Issue_times_increase_strictly_per_device()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.RegisterOnlineAsync("D2");
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(i =>
            Stores.Commands.IssueAsync(StoreSet.Unlock("D1", $"C{i}"), default)));
        results.Select(result => result.Command!.IssuedAt).Distinct().Count().ShouldBe(100);
        results.Max(result => result.Command!.IssuedAt).ShouldBe(StoreSet.Noon.AddMilliseconds(99));
        results.ShouldAllBe(result => result.Command!.ExpiresAt - result.Command.IssuedAt == StoreSet.Validity);

        // A clock that was set back a little does not reach below what was issued; another device is not touched by it.
        var back = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C100", now: StoreSet.Noon.AddSeconds(-20)), default);
        back.Command!.IssuedAt.ShouldBe(StoreSet.Noon.AddMilliseconds(100));
        var other = await Stores.Commands.IssueAsync(StoreSet.Unlock("D2", "C101"), default);
        other.Command!.IssuedAt.ShouldBe(StoreSet.Noon);

        // What lies further ahead than any device accepts was dated by a clock that was wrong.
        var corrected = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C102", now: StoreSet.Noon.AddHours(-1)), default);
        corrected.Command!.IssuedAt.ShouldBe(StoreSet.Noon.AddHours(-1));
    }

    [Fact]
    public async Task A_command_that_never_left_ends_once_and_frees_its_key()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", key: "k"), default);

        var failed = await Stores.Commands.FailAsync("C1", "unreachable", StoreSet.Noon, default);
        var again = await Stores.Commands.FailAsync("C1", "unreachable", StoreSet.Noon, default);
        var retried = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C2", key: "k"), default);

        (failed!.State, failed.Result).ShouldBe((CommandState.Failed, "unreachable"));
        again.ShouldBeNull();
        retried.Outcome.ShouldBe(IssueOutcome.Issued);
    }

    [Fact]
    public async Task A_command_is_found_by_owner_and_asker_only()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        (await Stores.Commands.FindAsync("C1", "eve", default)).ShouldBeNull();
        (await Stores.Commands.FindAsync("C2", "ada", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Commands_past_their_time_expire_oldest_first_each_with_an_entry()
    {
        await Stores.RegisterOnlineAsync("D1");
        for (var i = 0; i < 3; i++)
        {
            await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", $"C{i}", now: StoreSet.Noon.AddSeconds(i)), default);
        }

        await Stores.DecideAsync("D1", "C0", "done");
        var at = StoreSet.Noon.AddSeconds(60);
        (await Stores.Commands.ExpireAsync(StoreSet.Noon.AddSeconds(11), at, 10, default)).ShouldBeEmpty();
        var first = await Stores.Commands.ExpireAsync(at, at, 1, default);
        var second = await Stores.Commands.ExpireAsync(at, at, 10, default);
        first.Select(command => command.Id).ShouldBe(["C1"]);
        second.Select(command => command.Id).ShouldBe(["C2"]);
        (second[0].State, second[0].Result, second[0].DecidedAt).ShouldBe((CommandState.Expired, null, at));
        (await Stores.Commands.FindAsync("C2", "ada", default)).ShouldBe(second[0]);
        (await Stores.LogAsync("D1"))[^1].ShouldBe("system command.unlock expired");
        (await Stores.Commands.ExpireAsync(at, at, 10, default)).ShouldBeEmpty();
    }

    /// <summary>As after the clock was two hours ahead and was set right: nobody waits two hours for the end of a command.</summary>
    [Fact]
    public async Task A_command_dated_far_ahead_expires()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        var setBack = StoreSet.Noon.AddHours(-2);

        var expired = await Stores.Commands.ExpireAsync(setBack.AddSeconds(-20), setBack, 10, default);

        expired.Select(command => (command.Id, command.State)).ShouldBe([("C1", CommandState.Expired)]);
    }

    [Fact]
    public async Task A_command_issued_as_far_ahead_as_goes_does_not_expire_before_its_time()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        var now = StoreSet.Noon.AddMilliseconds(-CommandRules.MaxAheadMs);

        (await Stores.Commands.ExpireAsync(now.AddSeconds(-20), now, 10, default)).ShouldBeEmpty();
    }
}
