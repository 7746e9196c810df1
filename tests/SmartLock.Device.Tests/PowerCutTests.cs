using FsCheck;
using FsCheck.Fluent;
using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

/// <summary>
/// The power ends at every single byte of every record that a command writes. The lock always starts, never moves for a command
/// again, and takes a fresh one.
/// </summary>
public sealed class PowerCutTests
{
    /// <summary>Long enough to hold any record; the cut is past its end then, and the record whole.</summary>
    private const int LongestRecord = 100;

    public static TheoryData<int, bool, int> Cuts()
    {
        var cuts = new TheoryData<int, bool, int>();
        foreach (var write in new[] { 0, 1 })
        {
            foreach (var inPlace in new[] { false, true })
            {
                // None before: the first records of a new device. An odd number of writes before: the other slot's turn.
                foreach (var writesBefore in new[] { 0, 2, 3, 4, 5 })
                {
                    cuts.Add(write, inPlace, writesBefore);
                }
            }
        }

        return cuts;
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void At_any_byte_of_either_write_of_a_command(int write, bool inPlace, int writesBefore)
    {
        for (var at = 0; at <= LongestRecord; at++)
        {
            var rig = new LockRig();
            var earlier = Write(rig, writesBefore);
            var before = rig.Bolt.Movements;
            rig.Clock.Advance(1000);

            rig.Flash.Cut = new PowerCut(write, at, inPlace);
            var victim = Long(rig.Unlock("victim-of-the-cut"));
            rig.Receive(victim);
            rig.Flash.PowerGone.ShouldBeTrue();
            var moved = rig.Bolt.Movements - before;
            moved.ShouldBe(write);

            var time = StartWithoutClock(rig);
            Replay(rig, [.. earlier, victim]);
            rig.Bolt.Movements.ShouldBe(before + moved);
            rig.Brain.RefusalsOf(Refusal.ClockNotSet).ShouldBeGreaterThan(0);
            SetClock(rig, time);
            Replay(rig, earlier);
            rig.Bolt.Movements.ShouldBe(before + moved, $"an earlier command, cut at {at}");

            // Seen before the clock was set, if not before the cut.
            Replay(rig, [victim]);
            rig.Bolt.Movements.ShouldBe(before + moved, $"the same command, cut at {at}");

            ShouldTakeFreshOnes(rig);
            Replay(rig, [.. earlier, victim]);
            SetClock(rig, StartWithoutClock(rig));
            var all = rig.Bolt.Movements;
            Replay(rig, [.. earlier, victim]);
            rig.Bolt.Movements.ShouldBe(all);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_slots_that_are_cut_are_both(bool inPlace)
    {
        // What the theory above rests on: with these numbers of writes before, accept and settle each hit slot 0 and slot 1.
        var hit = new HashSet<(int Write, int Slot)>();
        foreach (var writesBefore in new[] { 2, 3 })
        {
            foreach (var write in new[] { 0, 1 })
            {
                var rig = new LockRig();
                Write(rig, writesBefore);
                rig.Clock.Advance(1000);
                var whole = rig.Flash.Slots.ToArray();
                rig.Flash.Cut = new PowerCut(write, 30, inPlace);
                rig.Receive(rig.Unlock("victim-of-the-cut"));
                var key = DeviceKey.FromHex(LockRig.KeyHex);
                var torn = FlashRecord.Decode(key, rig.Flash.Slots[0]) is null ? 0 : 1;
                FlashRecord.Decode(key, rig.Flash.Slots[torn]).ShouldBeNull();
                FlashRecord.Decode(key, whole[torn]).ShouldNotBeNull();
                hit.Add((write, torn));
            }
        }

        hit.Count.ShouldBe(4);
    }

    [Fact]
    public void Any_number_of_cuts_in_any_places_moves_the_bolt_for_each_command_at_most_once()
    {
        var cut = from write in Gen.Choose(0, 3)
                  from at in Gen.Choose(0, LongestRecord)
                  from inPlace in ArbMap.Default.GeneratorFor<bool>()
                  select new PowerCut(write, at, inPlace);
        var lives = Gen.Choose(1, 12).SelectMany(n => cut.ListOf(n));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(lives.ToArbitrary(), cuts =>
        {
            var rig = new LockRig();
            var sent = new List<ServerPen>();
            foreach (var (life, next) in cuts.Index())
            {
                rig.Flash.Cut = next;
                for (var i = 0; !rig.Flash.PowerGone; i++)
                {
                    rig.Clock.Advance(7);
                    sent.Add(Long(i % 2 == 0 ? rig.Unlock($"c{life}-{i}") : rig.Lock($"a-longer-name-{life}-{i}")));
                    rig.Receive(sent[^1]);
                }

                SetClock(rig, StartWithoutClock(rig));
                var movements = rig.Bolt.Movements;

                // The last may never have been reported of; all before it were decided on.
                Replay(rig, [.. sent.SkipLast(1)]);
                rig.Bolt.Movements.ShouldBe(movements);
                ShouldTakeFreshOnes(rig);
            }

            return true;
        }));
    }

    /// <summary>So long valid that it is never the expiry that refuses it.</summary>
    private static ServerPen Long(ServerPen command) => command with { ExpiresAt = command.IssuedAt + CommandGate.MaxValidityMs };

    /// <summary>So many writes by commands; for an odd number, one command's verdict could not be stored.</summary>
    private static ServerPen[] Write(LockRig rig, int writes)
    {
        var commands = new List<ServerPen>();
        var start = rig.Flash.Writes;
        while (rig.Flash.Writes - start < writes)
        {
            var before = rig.Flash.Writes;
            var odd = (writes - before + start) % 2 == 1;
            rig.Flash.Writing = () => rig.Flash.RefuseWrites = odd && rig.Flash.Writes > before;
            commands.Add(Long(rig.Unlock($"earlier-{commands.Count}")));
            rig.Receive(commands[^1]);
            rig.Flash.Writing = null;
            rig.Flash.RefuseWrites = false;
            rig.Clock.Advance(10);
        }

        (rig.Flash.Writes - start).ShouldBe(writes);
        rig.Bolt.Movements.ShouldBe(commands.Count);
        return [.. commands];
    }

    /// <summary>Power off and on. Returns what the clock will show once it is set.</summary>
    private static long StartWithoutClock(LockRig rig)
    {
        var time = rig.Clock.UnixMs;
        rig.Clock.UnixMs = 0;
        rig.Reboot();
        rig.Text("issue").ShouldBe("Clock not set");
        return time + 2500;
    }

    private static void SetClock(LockRig rig, long time)
    {
        rig.Clock.UnixMs = time;
        rig.Brain.Tick();
    }

    private static void Replay(LockRig rig, ServerPen[] commands)
    {
        foreach (var command in commands)
        {
            // As if it had been meant for this start: what flash remembers must do without that.
            var renewed = command with { Boot = rig.Brain.Boot };
            rig.Receive(renewed);
            rig.Receive(renewed with { CommandId = "under-another-name" });
        }
    }

    private static void ShouldTakeFreshOnes(LockRig rig)
    {
        for (var i = 0; i < 3; i++)
        {
            rig.Clock.Advance(10);
            var before = rig.Bolt.Movements;
            rig.Receive(rig.Lock($"fresh-{i}"));
            rig.Bolt.Movements.ShouldBe(before + 1);
            rig.Text("command_id").ShouldBe($"fresh-{i}");
            rig.Text("result").ShouldBe("done");
            rig.Text("issue").ShouldBeNull();
        }
    }
}
