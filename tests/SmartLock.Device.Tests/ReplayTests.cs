using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

public sealed class ReplayTests
{
    [Fact]
    public void A_command_delivered_twice_moves_once_and_keeps_its_verdict()
    {
        var rig = new LockRig();
        var unlock = rig.Unlock("twice");
        rig.Receive(unlock);
        rig.Clock.Advance(1500);

        rig.Receive(unlock);

        rig.Bolt.Movements.ShouldBe(1);
        rig.Outbox.Sent.Count.ShouldBe(3);
        rig.Text("command_id").ShouldBe("twice");
        rig.Text("result").ShouldBe("done");
        rig.Brain.RefusalsOf(Refusal.Repeated).ShouldBe(1);
    }

    [Fact]
    public void Delivered_again_after_its_expiry_it_is_still_the_verdict_that_was()
    {
        var rig = new LockRig();
        var unlock = rig.Unlock("twice");
        rig.Receive(unlock);
        rig.Clock.Advance(3_600_000);

        rig.Receive(unlock);

        rig.Bolt.Movements.ShouldBe(1);
        rig.Text("result").ShouldBe("done");
    }

    [Fact]
    public void Of_the_commands_before_the_last_one_too()
    {
        var rig = new LockRig();
        var first = rig.Unlock("first");
        rig.Receive(first);
        rig.Clock.Advance(1);
        rig.Receive(rig.Lock("second"));
        rig.Clock.Advance(1500);

        rig.Receive(first);
        rig.Text("command_id").ShouldBe("first");
        rig.Text("result").ShouldBe("done");
        rig.Bolt.Movements.ShouldBe(2);

        rig.TickFor(10_000);
        rig.Text("command_id").ShouldBe("second");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(-5000)]
    public void A_command_that_is_not_newer_than_the_last_is_replayed(long olderBy)
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("newest"));
        rig.Clock.UptimeMs += 1500;

        rig.Receive(rig.Lock("older") with { IssuedAt = rig.Clock.UnixMs + olderBy });

        rig.Bolt.Movements.ShouldBe(1);
        rig.Brain.RefusalsOf(Refusal.Replayed).ShouldBe(1);
        rig.Text("command_id").ShouldBe("older");
        rig.Text("result").ShouldBe("replayed");
    }

    [Fact]
    public void A_replay_is_told_once_and_does_not_push_out_the_last_verdict()
    {
        var rig = new LockRig();
        var old = rig.Lock("captured");
        rig.Clock.Advance(1);
        rig.Receive(rig.Unlock("genuine"));
        rig.Clock.Advance(1500);

        rig.Receive(old);
        rig.Text("result").ShouldBe("replayed");

        rig.TickFor(10_000);
        rig.Text("command_id").ShouldBe("genuine");
        rig.Text("result").ShouldBe("done");
    }

    [Fact]
    public void A_flood_of_replays_is_answered_at_most_once_a_second()
    {
        var rig = new LockRig();
        var old = rig.Lock("captured");
        rig.Clock.Advance(1);
        var genuine = rig.Unlock("genuine");
        rig.Receive(genuine);
        var before = rig.Outbox.Sent.Count;

        for (var i = 0; i < 2000; i++)
        {
            rig.Clock.Advance(5);
            rig.Receive(i % 2 == 0 ? old : genuine);
            rig.Brain.Tick();
        }

        (rig.Outbox.Sent.Count - before).ShouldBeInRange(1, 10);
        rig.Bolt.Movements.ShouldBe(1);
        rig.Log.Lines.Count.ShouldBeLessThanOrEqualTo(3);
    }

    [Fact]
    public void A_newer_refusal_takes_the_place_of_an_older_verdict()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("done"));
        rig.Clock.Advance(1);
        var held = rig.Lock("held-back");
        rig.Clock.Advance(20_000);

        rig.Receive(held);
        rig.TickFor(10_000);

        rig.Text("command_id").ShouldBe("held-back");
        rig.Text("result").ShouldBe("expired");
    }

    [Fact]
    public void A_command_is_refused_once_a_newer_one_was_even_if_that_was_refused()
    {
        var rig = new LockRig();
        var older = rig.Unlock("older") with { ExpiresAt = rig.Clock.UnixMs + 60_000 };
        rig.Clock.Advance(1);
        var newer = rig.Lock("newer");
        rig.Clock.Advance(15_000);
        rig.Receive(newer);
        rig.Clock.Advance(1500);

        rig.Receive(older);

        rig.ShouldNotHaveMoved(Refusal.Replayed);
        rig.Text("command_id").ShouldBe("older");
        rig.Text("result").ShouldBe("replayed");
        rig.TickFor(10_000);
        rig.Text("command_id").ShouldBe("newer");
        rig.Text("result").ShouldBe("expired");
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("unknown")]
    [InlineData("clock")]
    [InlineData("boot")]
    public void A_restart_does_not_forget_that_it_was(string why)
    {
        var rig = new LockRig();
        var seen = rig.Unlock("seen") with { IssuedAt = rig.Clock.UnixMs + 20_000, ExpiresAt = rig.Clock.UnixMs + 60_000 };
        var (refused, clock) = why switch
        {
            "expired" => (seen with { ExpiresAt = seen.IssuedAt }, rig.Clock.UnixMs),
            "unknown" => (seen with { Command = "OPEN" }, rig.Clock.UnixMs),
            "boot" => (seen with { Boot = "0123456789abcdef" }, rig.Clock.UnixMs),
            _ => (seen, 0),
        };
        var now = rig.Clock.UnixMs;
        rig.Clock.UnixMs = clock;
        rig.Receive(refused);
        rig.Bolt.Movements.ShouldBe(0);
        rig.Clock.UnixMs = now;

        rig.Reboot();
        rig.Receive(seen with { CommandId = "again", Boot = rig.Brain.Boot });

        rig.ShouldNotHaveMoved(Refusal.Replayed);
        rig.Receive(seen with { CommandId = "newer", Boot = rig.Brain.Boot, IssuedAt = seen.IssuedAt + 1 });
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Fact]
    public void A_reused_id_with_a_later_date_is_a_new_command()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("same"));
        rig.Clock.Advance(1);
        rig.Receive(rig.Lock("same"));
        rig.Bolt.Movements.ShouldBe(2);
    }
}
