using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage;

public abstract class DeviceStoreContract : StoreContract
{
    private static readonly DateTimeOffset Later = StoreSet.Noon.AddSeconds(9);

    [Fact]
    public async Task A_first_report_brings_the_lock_to_life()
    {
        await Stores.RegisterAsync("D1");
        var result = await Stores.ReportAsync(StoreSet.Report("D1", issue: "Low battery"));
        result.CameBack.ShouldBe(["D1"]);
        var found = (await Stores.Locks.FindAsync("D1", "ada", default))!;
        (found.Status, found.State, found.LastSeen, found.Issue, found.Firmware, found.Rssi, found.BatteryMv)
            .ShouldBe((LockStatus.Locked, LockState.Available, StoreSet.Noon, "Low battery", "1.0.0", -61, 3_700));
        (await Stores.LogAsync("D1"))[^1].ShouldBe("device:D1 lock.state available");
        var record = (await Stores.Devices.FindAsync("D1", default))!;
        (record.SentAt, record.ConnectedAt, record.Unsigned).ShouldBe((1_000, 500, false));
        record.ProtectedKey.ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task Before_the_first_report_the_devices_times_are_zero()
    {
        await Stores.RegisterAsync("D1");
        var record = (await Stores.Devices.FindAsync("D1", default))!;
        (record.SentAt, record.ConnectedAt).ShouldBe((0, 0));
        (await Stores.Devices.FindAsync("D2", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Further_reports_change_the_lock_and_are_not_logged()
    {
        await Stores.RegisterOnlineAsync("D1");
        var result = await Stores.ReportAsync(StoreSet.Report("D1", Later, LockStatus.Unlocked, "Jammed"));
        result.CameBack.ShouldBeEmpty();
        var found = (await Stores.Locks.FindAsync("D1", "ada", default))!;
        (found.Status, found.Issue, found.LastSeen).ShouldBe((LockStatus.Unlocked, "Jammed", Later));
        (await Stores.LogAsync("D1")).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Another_status_or_issue_is_a_change_and_the_rest_of_a_heartbeat_is_none()
    {
        await Stores.RegisterOnlineAsync("D1");
        var same = StoreSet.Report("D1", Later) with { SentAt = 2_000, Rssi = -80, BatteryMv = 3_500, UptimeS = 90_000, Firmware = "1.0.1" };
        (await Stores.ReportAsync(same)).Changed.ShouldBeEmpty();
        var found = (await Stores.Locks.FindAsync("D1", "ada", default))!;
        (found.LastSeen, found.Rssi, found.BatteryMv, found.Firmware).ShouldBe((Later, -80, 3_500, "1.0.1"));
        (await Stores.Devices.FindAsync("D1", default))!.SentAt.ShouldBe(2_000);

        (await Stores.ReportAsync(same with { Status = LockStatus.Unlocked })).Changed.ShouldBe(["D1"]);
        (await Stores.ReportAsync(same with { Status = LockStatus.Unlocked, Issue = "Jammed" })).Changed.ShouldBe(["D1"]);
        (await Stores.ReportAsync(same with { Status = LockStatus.Unlocked, Issue = "Jammed" })).Changed.ShouldBeEmpty();
        (await Stores.ReportAsync(same with { Status = LockStatus.Unlocked })).Changed.ShouldBe(["D1"]);
    }

    [Fact]
    public async Task What_comes_back_or_was_overtaken_is_no_change_besides()
    {
        await Stores.RegisterAsync("D1");
        var first = await Stores.ReportAsync(StoreSet.Report("D1", Later));
        (first.Changed.Count, first.CameBack.Count).ShouldBe((0, 1));
        (await Stores.ReportAsync(StoreSet.Report("D1", Later.AddSeconds(-1), LockStatus.Unlocked))).Changed.ShouldBeEmpty();
        (await Stores.ReportAsync(StoreSet.Report("D404"))).Changed.ShouldBeEmpty();
        await Stores.LoseAsync("D1", 500, Later);
        var back = await Stores.ReportAsync(StoreSet.Report("D1", Later.AddSeconds(9), LockStatus.Unlocked));
        (back.Changed.Count, back.CameBack.Count).ShouldBe((0, 1));
    }

    [Fact]
    public async Task A_report_received_earlier_changes_nothing()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ReportAsync(StoreSet.Report("D1", Later));
        await Stores.ReportAsync(StoreSet.Report("D1", Later.AddSeconds(-1), LockStatus.Unlocked));
        await Stores.Devices.MarkOfflineAsync(Later.AddSeconds(20), Later.AddSeconds(20), 10, default);
        var result = await Stores.ReportAsync(StoreSet.Report("D1", Later.AddSeconds(-1), LockStatus.Unlocked));
        result.CameBack.ShouldBeEmpty();
        var found = (await Stores.Locks.FindAsync("D1", "ada", default))!;
        (found.Status, found.State, found.LastSeen).ShouldBe((LockStatus.Locked, LockState.Unavailable, Later));
    }

    [Fact]
    public async Task A_report_received_earlier_that_says_the_same_does_not_set_the_last_one_back()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ReportAsync(StoreSet.Report("D1", Later));
        var earlier = await Stores.ReportAsync(StoreSet.Report("D1", Later.AddSeconds(-1)) with { Rssi = -90 });
        earlier.Changed.ShouldBeEmpty();
        var found = (await Stores.Locks.FindAsync("D1", "ada", default))!;
        (found.LastSeen, found.Rssi).ShouldBe((Later, -61));
    }

    [Fact]
    public async Task What_a_small_report_leaves_out_is_kept()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ReportAsync(new DeviceReport("D1", Later, LockStatus.Unlocked, null, 0, 0, null, null, null, null, null));
        var record = (await Stores.Devices.FindAsync("D1", default))!;
        (record.SentAt, record.ConnectedAt, record.Unsigned).ShouldBe((1_000, 500, false));
        (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default)).Route!.OwnTopics.ShouldBeTrue();
        var found = (await Stores.Locks.FindAsync("D1", "ada", default))!;
        (found.Firmware, found.Rssi, found.Status).ShouldBe(("1.0.0", null, LockStatus.Unlocked));
    }

    [Fact]
    public async Task Unknown_devices_and_commands_are_passed_over()
    {
        await Stores.RegisterOnlineAsync("D1");
        var result = await Stores.Devices.TakeAsync(
            new DeviceBatch(
                [StoreSet.Report("nobody"), StoreSet.Report("D1", Later)],
                [new Verdict("D1", "C404", "done", Later)],
                [new ConnectionLoss("nobody", 500, Later)]));
        (result.CameBack.Count, result.WentAway.Count, result.Decided.Count).ShouldBe((0, 0, 0));
        (await Stores.Locks.FindAsync("D1", "ada", default))!.LastSeen.ShouldBe(Later);
    }

    [Fact]
    public async Task The_loss_of_the_present_connection_makes_the_lock_unavailable()
    {
        await Stores.RegisterOnlineAsync("D1");
        (await Stores.LoseAsync("D1", 500)).WentAway.ShouldBe(["D1"]);
        var found = (await Stores.Locks.FindAsync("D1", "ada", default))!;
        (found.Status, found.State, found.Issue).ShouldBe((LockStatus.Locked, LockState.Unavailable, LockIssues.ConnectionLost));
        (await Stores.LogAsync("D1"))[^1].ShouldBe("system lock.state unavailable: Connection lost");
        (await Stores.LoseAsync("D1", 500)).WentAway.ShouldBeEmpty();
        (await Stores.ReportAsync(StoreSet.Report("D1", Later))).CameBack.ShouldBe(["D1"]);
        (await Stores.Locks.FindAsync("D1", "ada", default))!.Issue.ShouldBeNull();
    }

    [Fact]
    public async Task The_loss_of_an_older_connection_says_nothing()
    {
        await Stores.RegisterOnlineAsync("D1");
        (await Stores.LoseAsync("D1", 499)).WentAway.ShouldBeEmpty();
        (await Stores.LoseAsync("D1", 500, StoreSet.Noon.AddSeconds(-1))).WentAway.ShouldBeEmpty();
        var both = await Stores.Devices.TakeAsync(
            new DeviceBatch([StoreSet.Report("D1", Later, connectedAt: 600)], [], [new ConnectionLoss("D1", 500, Later)]));
        both.WentAway.ShouldBeEmpty();
        (await Stores.Locks.FindAsync("D1", "ada", default))!.State.ShouldBe(LockState.Available);
    }

    [Fact]
    public async Task Silent_locks_become_unavailable_the_longest_silent_first()
    {
        for (var i = 0; i < 3; i++)
        {
            await Stores.RegisterAsync($"D{i}");
            await Stores.ReportAsync(StoreSet.Report($"D{i}", StoreSet.Noon.AddSeconds(i)));
        }

        var at = StoreSet.Noon.AddSeconds(22);
        (await Stores.Devices.MarkOfflineAsync(StoreSet.Noon, at, 10, default)).ShouldBeEmpty();
        (await Stores.Devices.MarkOfflineAsync(StoreSet.Noon.AddSeconds(2), at, 1, default)).ShouldBe(["D0"]);
        (await Stores.Devices.MarkOfflineAsync(StoreSet.Noon.AddSeconds(2), at, 10, default)).ShouldBe(["D1"]);
        (await Stores.Devices.MarkOfflineAsync(StoreSet.Noon.AddSeconds(2), at, 10, default)).ShouldBeEmpty();
        var found = (await Stores.Locks.FindAsync("D1", "ada", default))!;
        (found.State, found.Issue, found.Status, found.LastSeen)
            .ShouldBe((LockState.Unavailable, LockIssues.NoHeartbeat, LockStatus.Locked, StoreSet.Noon.AddSeconds(1)));
        (await Stores.LogAsync("D1"))[^1].ShouldBe("system lock.state unavailable: No heartbeat");
        (await Stores.Locks.FindAsync("D2", "ada", default))!.State.ShouldBe(LockState.Available);
    }

    /// <summary>As after the clock was two hours ahead, and was set right while the device stopped reporting.</summary>
    [Fact]
    public async Task A_last_report_dated_far_ahead_counts_as_none()
    {
        await Stores.RegisterOnlineAsync("D1");
        var before = StoreSet.Noon - ReportRules.MaxSkew;
        (await Stores.Devices.MarkOfflineAsync(before.AddSeconds(-20), before, 10, default)).ShouldBeEmpty();

        var setBack = StoreSet.Noon.AddHours(-2);
        (await Stores.Devices.MarkOfflineAsync(setBack.AddSeconds(-20), setBack, 10, default)).ShouldBe(["D1"]);

        (await Stores.Locks.FindAsync("D1", "ada", default))!.State.ShouldBe(LockState.Unavailable);
        (await Stores.ReportAsync(StoreSet.Report("D1", setBack.AddSeconds(9)))).CameBack.ShouldBe(["D1"]);
    }

    [Fact]
    public async Task A_lock_that_never_reported_is_not_marked_offline()
    {
        await Stores.RegisterAsync("D1");
        (await Stores.Devices.MarkOfflineAsync(Later, Later, 10, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_two_sweeps_at_once_one_finds_the_lock()
    {
        await Stores.RegisterOnlineAsync("D1");
        var sweeps = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ =>
            Stores.Devices.MarkOfflineAsync(Later, Later, 10, default)));
        sweeps.Sum(found => found.Count).ShouldBe(1);
    }

    [Fact]
    public async Task What_was_believed_of_an_earlier_lock_is_not_the_next_ones()
    {
        await Stores.RegisterOnlineAsync("D1");
        var before = (await Stores.Devices.FindAsync("D1", default))!.KeyFrom;
        await Stores.Locks.RemoveAsync(new LockChange("D1", "ada", Later), default);
        await Stores.RegisterAsync("D1", "bob");

        var late = StoreSet.Report("D1", Later, LockStatus.Unlocked, "Jammed") with { KeyFrom = before, SentAt = long.MaxValue };
        var result = await Stores.Devices.ApplyAsync(new DeviceBatch([late], [], [new ConnectionLoss("D1", 0, Later, before)]), default);

        result.CameBack.ShouldBeEmpty();
        result.Outdated.ShouldBe([late]);
        var found = (await Stores.Locks.FindAsync("D1", "bob", default))!;
        (found.Status, found.State, found.LastSeen, found.Issue).ShouldBe((LockStatus.Unknown, LockState.Unavailable, null, LockIssues.NoHeartbeat));
        (await Stores.Devices.FindAsync("D1", default))!.SentAt.ShouldBe(0);
        (await Stores.WholeLogAsync("D1"))[^1].ShouldBe("bob lock.register registered");
    }

    [Fact]
    public async Task What_was_believed_under_an_earlier_key_counts_no_more()
    {
        await Stores.RegisterOnlineAsync("D1");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        var before = (await Stores.Devices.FindAsync("D1", default))!.KeyFrom;
        await Stores.Locks.ReplaceKeyAsync(new LockChange("D1", "ada", Later), [9], endUnsigned: false, default);

        var late = StoreSet.Report("D1", Later, LockStatus.Unlocked) with { KeyFrom = before };
        var result = await Stores.Devices.ApplyAsync(
            new DeviceBatch([late], [new Verdict("D1", "C1", "done", Later, before)], [new ConnectionLoss("D1", 500, Later, before)]),
            default);

        (result.Changed.Count, result.Decided.Count, result.WentAway.Count).ShouldBe((0, 0, 0));
        result.Outdated.ShouldBe([late]);
        (await Stores.Locks.FindAsync("D1", "ada", default))!.Status.ShouldBe(LockStatus.Locked);
        (await Stores.ReportAsync(StoreSet.Report("D1", Later, LockStatus.Unlocked))).Changed.ShouldBe(["D1"]);
        (await Stores.DecideAsync("D1", "C1", "done", Later)).Decided.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_thousand_reports_in_one_batch()
    {
        for (var i = 0; i < 1_000; i++)
        {
            await Stores.RegisterAsync($"D{i}");
        }

        var batch = Enumerable.Range(0, 1_000).Select(i => StoreSet.Report($"D{i}")).ToArray();
        (await Stores.ReportAsync(batch)).CameBack.Count.ShouldBe(1_000);
        (await Stores.ReportAsync(batch)).CameBack.ShouldBeEmpty();
    }
}
