using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage;

/// <summary>Reports that nothing but their signature speaks for, as several replicas hear them: the store's own sent_at decides.</summary>
public abstract class SignedReportContract : StoreContract
{
    private static readonly DateTimeOffset Later = StoreSet.Noon.AddSeconds(9);

    [Fact]
    public async Task One_sent_later_than_the_stored_one_counts()
    {
        await RegisterOnlineAsync();

        var same = await Stores.ReportAsync(Signed(2_000, Later));
        var changed = await Stores.ReportAsync(Signed(3_000, Later.AddSeconds(9), LockStatus.Unlocked, "Jammed"));

        (same.Changed.Count, same.CameBack.Count, same.Replayed.Count).ShouldBe((0, 0, 0));
        changed.Changed.ShouldBe(["D1"]);
        var found = await FindAsync();
        (found.Status, found.Issue, found.LastSeen).ShouldBe((LockStatus.Unlocked, "Jammed", Later.AddSeconds(9)));
        (await Stores.Devices.FindAsync("D1", default))!.SentAt.ShouldBe(3_000);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(999)]
    [InlineData(0)]
    public async Task One_that_is_not_newer_is_refused_whenever_it_was_received(long sentAt)
    {
        await RegisterOnlineAsync();
        var replayed = Signed(sentAt, Later, LockStatus.Unlocked, "Jammed");

        var result = await Stores.ReportAsync(replayed);

        result.Replayed.ShouldHaveSingleItem().SentAt.ShouldBe(sentAt);
        (result.Changed.Count, result.CameBack.Count, result.Outdated.Count).ShouldBe((0, 0, 0));
        var found = await FindAsync();
        (found.Status, found.Issue, found.LastSeen).ShouldBe((LockStatus.Locked, null, StoreSet.Noon));
    }

    [Fact]
    public async Task A_replay_does_not_bring_a_silent_device_back()
    {
        await RegisterOnlineAsync();
        await Stores.Devices.MarkOfflineAsync(Later, Later, 10, default);

        var result = await Stores.ReportAsync(Signed(1_000, Later.AddSeconds(1)));

        (result.Replayed.Count, result.CameBack.Count).ShouldBe((1, 0));
        (await FindAsync()).State.ShouldBe(LockState.Unavailable);
        (await Stores.ReportAsync(Signed(1_001, Later.AddSeconds(2)))).CameBack.ShouldBe(["D1"]);
        var found = await FindAsync();
        (found.State, found.Issue, found.LastSeen).ShouldBe((LockState.Available, null, Later.AddSeconds(2)));
    }

    [Fact]
    public async Task Of_one_report_that_several_replicas_received_one_counts()
    {
        await RegisterOnlineAsync();

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Stores.ReportAsync(Signed(2_000, Later, LockStatus.Unlocked))));

        results.Sum(r => r.Changed.Count).ShouldBe(1);
        results.Sum(r => r.Replayed.Count).ShouldBe(7);
    }

    [Fact]
    public async Task Two_replicas_clocks_may_differ_and_the_device_says_which_report_is_the_later_one()
    {
        await RegisterOnlineAsync();
        await Stores.ReportAsync(Signed(2_000, Later.AddSeconds(1)));

        // Sent after, reported by a replica whose clock is a second behind.
        var result = await Stores.ReportAsync(Signed(2_050, Later, LockStatus.Unlocked));

        result.Changed.ShouldBe(["D1"]);
        var found = await FindAsync();
        (found.Status, found.LastSeen).ShouldBe((LockStatus.Unlocked, Later.AddSeconds(1)));
    }

    [Fact]
    public async Task A_last_seen_from_before_the_clock_was_set_back_does_not_stay()
    {
        await RegisterOnlineAsync();
        await Stores.ReportAsync(Signed(2_000, Later.AddHours(1)));

        await Stores.ReportAsync(Signed(3_000, Later));

        (await FindAsync()).LastSeen.ShouldBe(Later);
    }

    [Fact]
    public async Task The_verdict_of_a_report_that_was_overtaken_counts()
    {
        await RegisterOnlineAsync();
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C2"), default);
        await Stores.Devices.TakeAsync(new DeviceBatch([Signed(3_000, Later)], [new Verdict("D1", "C2", "done", Later)], []));

        var result = await Stores.Devices.TakeAsync(new DeviceBatch([Signed(2_000, Later)], [new Verdict("D1", "C1", "done", Later)], []));

        result.Replayed.ShouldHaveSingleItem();
        result.Decided.ShouldHaveSingleItem().Id.ShouldBe("C1");
        (await Stores.LogAsync("D1"))[^1].ShouldBe("device:D1 command.unlock done");
    }

    [Fact]
    public async Task One_from_before_the_loss_of_its_connection_is_no_sign_of_life()
    {
        await RegisterOnlineAsync();
        await Stores.LoseAsync("D1", 500, Later);

        // The bolt's last word, and then a replica whose clock is ahead.
        var before = await Stores.ReportAsync(Signed(2_000, Later.AddMilliseconds(-50), LockStatus.Unlocked));
        var ahead = await Stores.ReportAsync(Signed(3_000, Later.AddSeconds(2), LockStatus.Unlocked));

        (before.Changed.Count, before.CameBack.Count, ahead.CameBack.Count).ShouldBe((1, 0, 0));
        var found = await FindAsync();
        (found.State, found.Issue, found.Status).ShouldBe((LockState.Unavailable, LockIssues.ConnectionLost, LockStatus.Unlocked));
        (await Stores.LogAsync("D1")).Count(line => line.Contains("lock.state", StringComparison.Ordinal)).ShouldBe(2);

        // The next connection's is one at once.
        (await Stores.ReportAsync(Signed(4_000, Later.AddSeconds(3)) with { ConnectedAt = 600 })).CameBack.ShouldBe(["D1"]);
    }

    [Fact]
    public async Task A_key_that_is_gone_comes_before_when_it_was_sent()
    {
        await RegisterOnlineAsync();
        var before = (await Stores.Devices.FindAsync("D1", default))!.KeyFrom;
        await Stores.Locks.ReplaceKeyAsync(new LockChange("D1", "ada", Later), [9], endUnsigned: false, default);

        var result = await Stores.Devices.ApplyAsync(new DeviceBatch([Signed(5_000, Later) with { KeyFrom = before }], [], []), default);

        (result.Outdated.Count, result.Replayed.Count).ShouldBe((1, 0));
    }

    private static DeviceReport Signed(long sentAt, DateTimeOffset receivedAt, LockStatus status = LockStatus.Locked, string? issue = null) =>
        StoreSet.Report("D1", receivedAt, status, issue) with { SentAt = sentAt, BySignature = true };

    private Task RegisterOnlineAsync() => Stores.RegisterOnlineAsync("D1");

    private async Task<Server.Locks.Lock> FindAsync() => (await Stores.Locks.FindAsync("D1", "ada", default))!;
}
