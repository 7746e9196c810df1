using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

public sealed class UntoldVerdictTests
{
    [Fact]
    public void Verdicts_that_found_no_room_are_all_told_once_there_is_some()
    {
        var rig = new LockRig();
        rig.Outbox.Full = true;
        var ids = Enumerable.Range(0, 10).Select(i => $"C{i}").ToArray();
        foreach (var id in ids)
        {
            rig.Clock.Advance(5);
            rig.Receive(rig.Unlock(id));
        }

        rig.Outbox.Full = false;
        rig.TickFor(2000);

        Told(rig).ShouldBe(ids);
        rig.TickFor(20_000);
        Told(rig).Distinct().ShouldBe(ids, "heartbeats repeat the last one");
        rig.Text("command_id").ShouldBe("C9");
    }

    [Fact]
    public void What_waits_to_be_told_is_bounded_and_the_newest_stay()
    {
        var rig = new LockRig();
        rig.Outbox.Full = true;
        for (var i = 0; i < 100; i++)
        {
            rig.Clock.Advance(5);
            rig.Receive(rig.Unlock($"C{i}"));
        }

        rig.Outbox.Full = false;
        rig.TickFor(2000);

        Told(rig).ShouldBe(Enumerable.Range(84, 16).Select(i => $"C{i}"));
    }

    private static IEnumerable<string> Told(LockRig rig) => rig.Outbox.Sent
        .Select(s => s.Report.GetProperty("command_id").GetString())
        .OfType<string>();
}
