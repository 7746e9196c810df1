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
}
