using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

public sealed class ClockTests
{
    private const long Hour = 3_600_000;

    [Fact]
    public void A_command_kept_back_does_not_fire_when_the_clock_is_set_back()
    {
        var rig = new LockRig();
        rig.Clock.Advance(1000);
        var kept = rig.Unlock("kept-back");
        rig.TickFor(Hour);
        rig.Clock.UnixMs = kept.IssuedAt + 1000;

        rig.Receive(kept);
        rig.TickFor(2000);

        rig.Bolt.Movements.ShouldBe(0);
        rig.Brain.RefusalsOf(Refusal.ClockNotSet).ShouldBe(1);
        rig.Text("issue").ShouldBe("Clock not set");
        rig.Log.Lines.Count(line => line.Contains("set back", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public void Nor_by_many_small_steps_back()
    {
        var rig = new LockRig();
        rig.Clock.Advance(1000);
        var kept = rig.Unlock("kept-back");
        rig.TickFor(300_000);
        while (rig.Clock.UnixMs > kept.IssuedAt + 5000)
        {
            rig.Clock.UnixMs -= 5000;
            rig.TickFor(200);
        }

        rig.Receive(kept);
        rig.Bolt.Movements.ShouldBe(0);
        rig.Brain.RefusalsOf(Refusal.ClockNotSet).ShouldBe(1);
    }

    [Theory]
    [InlineData(59_000, 1)]
    [InlineData(60_000, 1)]
    [InlineData(60_001, 0)]
    public void A_correction_of_up_to_a_minute_is_honest(long backMs, int movements)
    {
        var rig = new LockRig();
        rig.TickFor(120_000);
        rig.Clock.UnixMs -= backMs;
        rig.Receive(rig.Unlock());
        rig.Bolt.Movements.ShouldBe(movements);
    }

    [Fact]
    public void Once_it_has_caught_up_it_is_trusted_again()
    {
        var rig = new LockRig();
        rig.TickFor(120_000);
        rig.Clock.UnixMs -= Hour;
        rig.TickFor(2000);
        rig.Text("issue").ShouldBe("Clock not set");

        rig.Clock.UnixMs += Hour;
        rig.TickFor(2000);
        rig.Text("issue").ShouldBeNull();
        rig.Receive(rig.Unlock());
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Fact]
    public void To_be_not_set_for_a_while_forgets_nothing()
    {
        var rig = new LockRig();
        rig.Clock.Advance(1000);
        var kept = rig.Unlock("kept-back");
        rig.TickFor(Hour);
        rig.Clock.UnixMs = 0;
        rig.TickFor(2000);
        rig.Clock.UnixMs = kept.IssuedAt + 1000;

        rig.Receive(kept);
        rig.Bolt.Movements.ShouldBe(0);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    public void A_first_time_after_a_start_before_the_newest_kept_one_is_not_trusted(long ms, int movements)
    {
        var rig = new LockRig();
        rig.TickFor((2 * Hour) + 1000);
        var kept = FlashRecord.Decode(DeviceKey.FromHex(LockRig.KeyHex), rig.Flash.Slots.MaxBy(SequenceOf)!).TrustedTime;
        kept.ShouldBeInRange(rig.Clock.UnixMs - Hour, rig.Clock.UnixMs);
        rig.Clock.UnixMs = 0;
        rig.Reboot();
        rig.Clock.UnixMs = kept + ms;
        rig.TickFor(0);

        rig.Receive(rig.Unlock());

        rig.Bolt.Movements.ShouldBe(movements);
        rig.Brain.IsClockTrusted.ShouldBe(movements == 1);
    }

    [Fact]
    public void Until_it_has_caught_up_and_it_says_so()
    {
        var rig = new LockRig();
        rig.TickFor(2 * Hour);
        rig.Clock.UnixMs -= 4 * Hour;
        rig.Reboot();
        rig.TickFor(2000);
        rig.Text("issue").ShouldBe("Clock not set");
        rig.Log.Lines.Count(line => line.Contains("set back", StringComparison.Ordinal)).ShouldBe(1);

        rig.Reboot();
        rig.TickFor(2000);
        rig.Text("issue").ShouldBe("Clock not set", "no restart helps");

        rig.Clock.UnixMs += 4 * Hour;
        rig.TickFor(2000);
        rig.Text("issue").ShouldBeNull();
        rig.Receive(rig.Unlock());
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Fact]
    public void The_time_of_a_command_that_was_obeyed_is_kept_at_once()
    {
        var rig = new LockRig();
        rig.Clock.Advance(1000);
        rig.Receive(rig.Unlock());
        rig.Clock.UnixMs -= 60_000;

        rig.Reboot();

        rig.Text("issue").ShouldBe("Clock not set");
    }

    [Fact]
    public void The_time_is_kept_once_an_hour_and_not_more_often()
    {
        var rig = new LockRig();
        rig.TickFor(10 * Hour);
        rig.Flash.Writes.ShouldBe(1 + 10, "one of the start");
    }

    [Fact]
    public void Where_it_cannot_be_kept_it_is_tried_once_an_hour_all_the_same()
    {
        var rig = new LockRig();
        var tries = 0;
        rig.Flash.Writing = () => tries++;
        rig.Flash.RefuseWrites = true;
        rig.TickFor(3 * Hour);
        tries.ShouldBe(6, "each try is one in either slot");
    }

    [Fact]
    public void A_clock_that_was_ahead_and_is_put_right_is_trusted_after_a_restart()
    {
        var rig = new LockRig();
        rig.Clock.UnixMs += 87_600 * Hour;
        rig.TickFor(2000);
        rig.Clock.UnixMs -= 87_600 * Hour;
        rig.TickFor(2000);
        rig.Receive(rig.Unlock("refused"));
        rig.Bolt.Movements.ShouldBe(0);
        rig.Text("issue").ShouldBe("Clock not set");

        rig.Reboot();
        rig.Receive(rig.Unlock("taken"));
        rig.Bolt.Movements.ShouldBe(1);
        rig.Text("issue").ShouldBeNull();
    }

    [Fact]
    public void An_uptime_that_runs_fast_for_a_year_is_no_clock_set_back()
    {
        var rig = new LockRig();
        for (var hour = 0; hour < 24 * 365; hour++)
        {
            rig.Clock.Advance(Hour);
            rig.Clock.UnixMs -= Hour / 10_000;
            rig.Brain.Tick();
        }

        rig.Receive(rig.Unlock());
        rig.Bolt.Movements.ShouldBe(1);
    }

    private static long SequenceOf(byte[]? record) => FlashRecord.Decode(DeviceKey.FromHex(LockRig.KeyHex), record)?.Sequence ?? 0;
}
