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

    [Fact]
    public void Refusals_do_not_push_out_the_verdicts_of_commands_that_were_obeyed()
    {
        var rig = new LockRig();
        var captured = rig.Lock("captured") with { ExpiresAt = rig.Clock.UnixMs + 60_000 };
        rig.Clock.Advance(5);
        rig.Outbox.Full = true;
        foreach (var id in new[] { "C0", "C1", "C2" })
        {
            rig.Clock.Advance(5);
            rig.Receive(rig.Unlock(id));
        }

        for (var i = 0; i < 40; i++)
        {
            rig.Clock.Advance(1100);
            rig.Receive(i % 2 == 0 ? captured : rig.Unlock($"late{i}") with { ExpiresAt = rig.Clock.UnixMs - 1 });
        }

        rig.Outbox.Full = false;
        rig.TickFor(2000);

        Told(rig).Take(3).ShouldBe(["C0", "C1", "C2"]);
        Told(rig).Count().ShouldBe(16);
    }

    [Fact]
    public void A_refusal_finds_no_room_among_verdicts_of_commands_that_were_obeyed()
    {
        var rig = new LockRig();
        rig.Outbox.Full = true;
        var ids = Enumerable.Range(0, 16).Select(i => $"C{i}").ToArray();
        foreach (var id in ids)
        {
            rig.Clock.Advance(5);
            rig.Receive(rig.Unlock(id));
        }

        rig.Clock.Advance(1100);
        rig.Receive(rig.Lock("late") with { ExpiresAt = rig.Clock.UnixMs - 1 });
        rig.Outbox.Full = false;
        rig.TickFor(1200);

        Told(rig).ShouldBe(ids);

        // It is the newest decision all the same, which heartbeats carry.
        rig.TickFor(10_000);
        Told(rig).Last().ShouldBe("late");
    }

    private static IEnumerable<string> Told(LockRig rig) => rig.Outbox.Sent
        .Select(s => s.Report.GetProperty("command_id").GetString())
        .OfType<string>();
}
