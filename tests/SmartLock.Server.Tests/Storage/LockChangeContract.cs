using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage;

public abstract class LockChangeContract : StoreContract
{
    private static readonly DateTimeOffset Later = StoreSet.Noon.AddMinutes(1);

    [Fact]
    public async Task A_new_name_is_the_owners_to_give_and_is_logged()
    {
        await Stores.RegisterAsync("D1");

        (await Stores.Locks.EditAsync(By("eve"), new LockEdit("Mine"), default)).ShouldBe(ChangeLockOutcome.NotFound);
        (await Stores.Locks.EditAsync(By("ada", "D2"), new LockEdit("Mine"), default)).ShouldBe(ChangeLockOutcome.NotFound);
        (await Stores.Locks.EditAsync(By("ada"), new LockEdit("Back door"), default)).ShouldBe(ChangeLockOutcome.Changed);

        (await Stores.Locks.FindAsync("D1", "ada", default))!.Name.ShouldBe("Back door");
        (await Stores.LogAsync("D1")).ShouldBe(["ada lock.register registered", "ada lock.rename renamed"]);
    }

    [Fact]
    public async Task A_removed_lock_takes_key_shares_and_commands_along_and_leaves_its_log()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        await Stores.RegisterOnlineAsync("D1");
        await Stores.RegisterOnlineAsync("D2");
        await Stores.ShareAsync("D1", "bob", ShareRole.Operator);
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", key: "k"), default);
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D2", "C2"), default);

        (await Stores.Locks.RemoveAsync(By("eve"), default)).ShouldBe(ChangeLockOutcome.NotFound);
        (await Stores.Locks.RemoveAsync(By("bob"), default)).ShouldBe(ChangeLockOutcome.NotOwner);
        (await Stores.Locks.RemoveAsync(By("ada"), default)).ShouldBe(ChangeLockOutcome.Changed);
        (await Stores.Locks.RemoveAsync(By("ada"), default)).ShouldBe(ChangeLockOutcome.NotFound);

        (await Stores.Locks.FindAsync("D1", "ada", default)).ShouldBeNull();
        (await Stores.Locks.FindAsync("D1", "bob", default)).ShouldBeNull();
        (await Stores.Devices.FindAsync("D1", default)).ShouldBeNull();
        (await Stores.Commands.FindAsync("C1", "ada", default)).ShouldBeNull();
        (await Stores.Commands.FindAsync("C2", "ada", default)).ShouldNotBeNull();
        (await Stores.DecideAsync("D1", "C1", "done")).Decided.ShouldBeEmpty();
        (await Stores.WholeLogAsync("D1")).ShouldBe([
            "ada lock.register registered", "device:D1 lock.state available", "ada share.grant granted: operator > bob",
            "ada command.unlock sent", "bob lock.remove refused: not the owner", "ada lock.remove removed",
        ]);
        (await Stores.RegisterAsync("D1", "bob")).ShouldBe(RegisterLockOutcome.Registered);
    }

    [Fact]
    public async Task Before_a_lock_is_removed_its_old_commands_are_forgotten_in_small_parts_by_its_owner()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        await Stores.RegisterOnlineAsync("D1");
        await Stores.RegisterOnlineAsync("D2");
        await Stores.ShareAsync("D1", "bob", ShareRole.Operator);
        for (var i = 0; i < 6; i++)
        {
            await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", $"C{i}", now: StoreSet.Noon.AddSeconds(i)), default);
        }

        await Stores.Commands.IssueAsync(StoreSet.Unlock("D2", "C9"), default);
        await Stores.Commands.ExpireAsync(StoreSet.Noon.AddSeconds(15), Later, 10, default);

        (await ForgetAsync("eve", 2)).ShouldBe(0);
        (await ForgetAsync("bob", 2)).ShouldBe(0);
        (await ForgetAsync("ada", 2)).ShouldBe(2);
        (await Stores.Commands.FindAsync("C1", "ada", default)).ShouldBeNull("the oldest go first");
        (await Stores.Commands.FindAsync("C2", "ada", default)).ShouldNotBeNull();
        (await ForgetAsync("ada", 100)).ShouldBe(2);
        foreach (var kept in (string[])["C4", "C5", "C9"])
        {
            (await Stores.Commands.FindAsync(kept, "ada", default)).ShouldNotBeNull($"{kept} is too young, still open or another lock's");
        }
    }

    [Fact]
    public async Task A_new_key_takes_the_old_ones_place()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ShareAsync("D1", "bob", ShareRole.Operator);

        (await Stores.Locks.ReplaceKeyAsync(By("eve"), [9], endUnsigned: false, default)).Outcome.ShouldBe(ChangeLockOutcome.NotFound);
        (await Stores.Locks.ReplaceKeyAsync(By("bob"), [9], endUnsigned: false, default)).Outcome.ShouldBe(ChangeLockOutcome.NotOwner);
        (await Stores.Devices.FindAsync("D1", default))!.ProtectedKey.ShouldBe([1, 2, 3]);
        var replaced = await Stores.Locks.ReplaceKeyAsync(By("ada"), [9], endUnsigned: false, default);
        replaced.Outcome.ShouldBe(ChangeLockOutcome.Changed);
        replaced.Lock.ShouldBe(await Stores.Locks.FindAsync("D1", "ada", default));

        (await Stores.Devices.FindAsync("D1", default))!.ProtectedKey.ShouldBe([9]);
        (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default)).Route!.ProtectedKey.ShouldBe([9]);
        (await Stores.LogAsync("D1"))[^2].ShouldBe("ada lock.rotate_key rotated");
    }

    [Fact]
    public async Task A_new_key_ends_that_a_lock_is_unsigned_only_when_it_is_to()
    {
        await Stores.CreateUsersAsync("ada");
        await Stores.Locks.RegisterAsync(
            new NewLock("D1", "Sketch", "ada", [1], Unsigned: true, StoreSet.Noon),
            10,
            new NewAuditEntry(StoreSet.Noon, "D1", "ada", AuditActions.LockRegistered, AuditResults.Registered),
            default);

        (await Stores.Locks.ReplaceKeyAsync(By("ada"), [8], endUnsigned: false, default)).Lock!.Unsigned.ShouldBeTrue();
        (await Stores.Locks.ReplaceKeyAsync(By("ada"), [9], endUnsigned: true, default)).Lock!.Unsigned.ShouldBeFalse();
        (await Stores.Locks.ReplaceKeyAsync(By("ada"), [10], endUnsigned: true, default)).Lock!.Unsigned.ShouldBeFalse();

        (await Stores.Devices.FindAsync("D1", default))!.Unsigned.ShouldBeFalse();
        (await Stores.LogAsync("D1")).Skip(1).ShouldBe(["ada lock.rotate_key rotated", "ada lock.rotate_key rotated: signed", "ada lock.rotate_key rotated"]);
    }

    [Fact]
    public async Task What_somebody_tries_who_may_only_use_the_lock_is_the_owners_to_know()
    {
        await Stores.CreateUsersAsync("ada", "bob", "cy");
        await Stores.RegisterAsync("D1");
        await Stores.ShareAsync("D1", "bob", ShareRole.Operator);

        await Stores.Locks.EditAsync(By("bob"), new LockEdit("Mine"), default);
        await Stores.Locks.ReplaceKeyAsync(By("bob"), [9], endUnsigned: false, default);
        await Stores.Locks.RemoveAsync(By("bob"), default);
        await Stores.Shares.GrantAsync(By("bob"), new Share("cy", ShareRole.Operator, null, null, Later), 10, default);
        await Stores.Shares.RevokeAsync(By("bob"), "cy", default);
        await Stores.Locks.RemoveAsync(By("cy"), default);

        (await Stores.LogAsync("D1")).Skip(2).ShouldBe([
            "bob lock.rename refused: not the owner", "bob lock.rotate_key refused: not the owner", "bob lock.remove refused: not the owner",
            "bob share.grant refused: not the owner", "bob share.revoke refused: not the owner",
        ]);
    }

    [Fact]
    public async Task A_command_of_an_owner_before_is_not_the_present_ones_to_read()
    {
        await Stores.CreateUsersAsync("ada", "bob", "cy");
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ShareAsync("D1", "cy", ShareRole.Operator);
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C2", "cy"), default);
        (await Stores.Commands.FindAsync("C2", "ada", default)).ShouldNotBeNull();

        await Stores.LockAdmin.ReassignAsync(By("boss"), "bob", 10, default);
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C3", "bob"), default);

        (await Stores.Commands.FindAsync("C1", "bob", default)).ShouldBeNull("it names who had the lock before");
        (await Stores.Commands.FindAsync("C2", "bob", default)).ShouldBeNull();
        (await Stores.Commands.FindAsync("C3", "bob", default)).ShouldNotBeNull();
        (await Stores.Commands.FindAsync("C1", "ada", default)).ShouldNotBeNull("it is what ada asked for");
        (await Stores.Commands.FindAsync("C2", "ada", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_reassigned_lock_is_the_new_owners_alone()
    {
        await Stores.CreateUsersAsync("ada", "Bob", "cy");
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ShareAsync("D1", "cy", ShareRole.Operator);
        await Stores.ShareAsync("D1", "bob", ShareRole.Viewer);

        var result = await Stores.LockAdmin.ReassignAsync(By("boss"), "bOB", 10, default);

        result.Outcome.ShouldBe(ReassignOutcome.Reassigned);
        result.Lock!.Owner.ShouldBe("Bob");
        foreach (var gone in (string[])["ada", "cy"])
        {
            (await Stores.Locks.FindAsync("D1", gone, default)).ShouldBeNull();
            (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", gone), default)).Outcome.ShouldBe(IssueOutcome.NotFound);
        }

        (await Stores.Locks.FindAsync("D1", "Bob", StoreSet.Noon, default))!.Access.ShouldBe(LockAccess.Owner);
        (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C2", "Bob"), default)).Outcome.ShouldBe(IssueOutcome.Issued);
        (await Stores.Shares.ListAsync("D1", "Bob", StoreSet.Noon, default)).Shares.ShouldBe([]);
        var log = await Stores.WholeLogAsync("D1");
        log.Skip(log.Length - 5).ShouldBe([
            "boss lock.reassign taken from > ada", "boss lock.reassign given to > Bob", "ada command.unlock refused: not found",
            "cy command.unlock refused: not found", "Bob command.unlock sent",
        ]);
    }

    [Fact]
    public async Task A_lock_is_given_only_to_who_may_have_it()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        await Stores.CreateUsersAsync(disabled: true, "off");
        await Stores.RegisterAsync("D1");
        await Stores.RegisterAsync("D2", "bob");
        var before = await Stores.WholeLogAsync("D1");

        (await ReassignAsync("D9", "bob")).ShouldBe(ReassignOutcome.LockNotFound);
        (await ReassignAsync("D1", "nobody")).ShouldBe(ReassignOutcome.UserNotFound);
        (await ReassignAsync("D1", "off")).ShouldBe(ReassignOutcome.UserNotFound);
        (await ReassignAsync("D1", "bob", 1)).ShouldBe(ReassignOutcome.TooManyLocks);
        (await ReassignAsync("D1", "ADA")).ShouldBe(ReassignOutcome.AlreadyOwner);

        (await Stores.Locks.FindAsync("D1", "ada", default)).ShouldNotBeNull();
        (await Stores.WholeLogAsync("D1")).ShouldBe(before);
    }

    [Fact]
    public async Task Nobody_is_given_more_than_one_may_have_even_at_once()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        for (var i = 0; i < 10; i++)
        {
            await Stores.RegisterAsync($"D{i}");
        }

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => ReassignAsync($"D{i}", "bob", 3)));

        outcomes.Count(outcome => outcome is ReassignOutcome.Reassigned).ShouldBe(3);
        outcomes.Count(outcome => outcome is ReassignOutcome.TooManyLocks).ShouldBe(7);
    }

    [Fact]
    public async Task Everybodys_locks_are_listed_by_owner_and_state_and_in_pages()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        await Stores.RegisterOnlineAsync("D1");
        await Stores.RegisterAsync("D2", "bob");
        await Stores.RegisterOnlineAsync("D3", "bob");

        (await ListAsync()).ShouldBe(["D1", "D2", "D3"]);
        (await ListAsync(owner: "BOB")).ShouldBe(["D2", "D3"]);
        (await ListAsync(owner: "nobody")).ShouldBeEmpty();
        (await ListAsync(state: LockState.Available)).ShouldBe(["D1", "D3"]);
        (await ListAsync(owner: "bob", state: LockState.Unavailable)).ShouldBe(["D2"]);
        (await ListAsync(after: "D1", limit: 1)).ShouldBe(["D2"]);
    }

    private Task<int> ForgetAsync(string actor, int limit) => Stores.Locks.ForgetCommandsAsync(By(actor), StoreSet.Noon.AddSeconds(4), limit, default);

    private static LockChange By(string actor, string deviceId = "D1") => new(deviceId, actor, Later);

    private async Task<ReassignOutcome> ReassignAsync(string deviceId, string owner, int maxPerOwner = 10) =>
        (await Stores.LockAdmin.ReassignAsync(By("boss", deviceId), owner, maxPerOwner, default)).Outcome;

    private async Task<IEnumerable<string>> ListAsync(string? owner = null, LockState? state = null, string? after = null, int limit = 10) =>
        (await Stores.LockAdmin.ListAsync(owner, state, after, limit, default)).Items.Select(item => item.DeviceId);
}
