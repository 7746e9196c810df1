using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Tests.Heartbeats;

public sealed class PendingBatchTests
{
    private static readonly DateTimeOffset T0 = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CachedDevice Device = new("A", new byte[32], isUnsigned: false);

    [Fact]
    public void Only_the_newest_report_of_a_device_is_kept()
    {
        var batch = new PendingBatch();
        batch.Add(Report("A", LockStatus.Locked, 0));
        batch.Add(Report("A", LockStatus.Unlocked, 1));
        batch.Add(Report("B", LockStatus.Locked, 0));

        batch.ToBatch().Reports.Select(r => (r.DeviceId, r.Status)).ShouldBe([("A", LockStatus.Unlocked), ("B", LockStatus.Locked)], ignoreOrder: true);
    }

    [Fact]
    public void What_a_small_report_leaves_out_the_one_before_it_said()
    {
        var batch = new PendingBatch();
        batch.Add(Report("A", LockStatus.Locked, 9) with { ConnectedAt = 7, OwnTopics = true, Firmware = "1.0" });
        batch.Add(Report("A", LockStatus.Unlocked, 0));

        var report = batch.ToBatch().Reports.Single();

        (report.Status, report.SentAt, report.ConnectedAt, report.OwnTopics, report.Firmware).ShouldBe((LockStatus.Unlocked, 9, 7, true, "1.0"));
    }

    [Fact]
    public void Of_two_keys_only_the_later_ones_report_counts_in_whichever_order_they_come()
    {
        var (old, present) = (Report("A", LockStatus.Locked, 9) with { KeyFrom = 1, Firmware = "1.0" }, Report("A", LockStatus.Unlocked, 2) with { KeyFrom = 2 });
        foreach (var order in (DeviceReport[][])[[old, present], [present, old]])
        {
            var batch = new PendingBatch();
            Array.ForEach(order, batch.Add);
            batch.ToBatch().Reports.ShouldBe([present]);
        }
    }

    [Fact]
    public void Another_devices_claim_does_not_stand_in_the_way_of_the_right_verdict()
    {
        var batch = new PendingBatch();
        batch.TryAdd(new PendingVerdict(new Verdict("B", "C1", "done", T0), Device));
        batch.TryAdd(Verdict("C1"));

        batch.ToBatch().Verdicts.Select(v => v.DeviceId).ShouldBe(["B", "A"], ignoreOrder: true);
    }

    [Fact]
    public void Parts_together_are_the_whole()
    {
        var batch = new PendingBatch();
        string[] ids = [.. Enumerable.Range(0, 10).Select(i => $"D{i}")];
        Array.ForEach(ids, id => batch.Add(Report(id, LockStatus.Locked, 1)));

        var parts = new[] { batch.TakePart(4), batch.TakePart(4), batch }.Select(p => p.ToBatch().Reports.Select(r => r.DeviceId).ToList()).ToList();

        parts.Select(p => p.Count).ShouldBe([4, 4, 2]);
        parts.SelectMany(p => p).ShouldBe(ids, ignoreOrder: true);
    }

    [Fact]
    public void Verdicts_go_first_with_their_devices_reports_and_losses_last()
    {
        var batch = new PendingBatch();
        foreach (var id in (string[])["B", "C", "A"])
        {
            batch.Add(Report(id, LockStatus.Locked, 1));
        }

        batch.Add(new ConnectionLoss("B", 1, T0));
        batch.TryAdd(Verdict("C1"));

        var first = batch.TakePart(1).ToBatch();
        var rest = batch.ToBatch();

        (first.Reports.Single().DeviceId, first.Verdicts.Single().CommandId, first.Losses.Count).ShouldBe(("A", "C1", 0));
        (rest.Reports.Count, rest.Verdicts.Count, rest.Losses.Single().DeviceId).ShouldBe((2, 0, "B"));
    }

    [Fact]
    public void A_report_after_a_loss_undoes_the_loss()
    {
        var batch = new PendingBatch();
        batch.Add(new ConnectionLoss("A", 1, T0));
        batch.Add(Report("A", LockStatus.Locked, 1));

        batch.ToBatch().Losses.ShouldBeEmpty();
    }

    [Fact]
    public void What_could_not_be_stored_comes_back_without_overwriting_what_is_newer()
    {
        var unsaved = new PendingBatch();
        unsaved.Add(Report("A", LockStatus.Locked, 0));
        unsaved.Add(Report("B", LockStatus.Locked, 0));
        unsaved.TryAdd(Verdict("C1"));
        unsaved.Add(new ConnectionLoss("A", 1, T0));
        unsaved.Add(new ConnectionLoss("B", 1, T0.AddSeconds(1)));
        var pending = new PendingBatch();
        pending.Add(Report("A", LockStatus.Unlocked, 5));

        pending.Restore(unsaved);

        var batch = pending.ToBatch();
        batch.Reports.Select(r => (r.DeviceId, r.Status)).ShouldBe([("A", LockStatus.Unlocked), ("B", LockStatus.Locked)], ignoreOrder: true);
        batch.Verdicts.Select(v => v.CommandId).ShouldBe(["C1"]);
        batch.Losses.Select(l => l.DeviceId).ShouldBe(["B"], "A has been reported since");
    }

    [Fact]
    public void Verdicts_are_bounded_and_repeating_one_takes_no_room()
    {
        var batch = new PendingBatch();
        for (var i = 0; i < 10_000; i++)
        {
            batch.TryAdd(Verdict($"C{i}")).ShouldBeTrue();
        }

        batch.TryAdd(Verdict("one too many")).ShouldBeFalse();
        batch.TryAdd(Verdict("C0")).ShouldBeTrue();
        batch.ToBatch().Verdicts.Count.ShouldBe(10_000);
    }

    [Fact]
    public void Somebody_waits_for_verdicts_and_losses_but_not_for_heartbeats()
    {
        var batch = new PendingBatch();
        batch.IsEmpty.ShouldBeTrue();

        batch.Add(Report("A", LockStatus.Locked, 0));
        batch.IsEmpty.ShouldBeFalse();
        batch.Devices.ShouldBe(1);
    }

    private static PendingVerdict Verdict(string commandId) => new(new Verdict("A", commandId, "done", T0), Device);

    private static DeviceReport Report(string deviceId, LockStatus status, int second) =>
        new(deviceId, T0.AddSeconds(second), status, null, second, 0, null, null, null, null, null);
}
