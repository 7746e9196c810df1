using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

/// <summary>
/// Somebody between board and broker keeps an UNLOCK back, answers for the time server, and cuts the board's power at will. None of the
/// commands that were kept back over a restart ever moves the bolt, nor one of the same start that was issued while the board knew the time
/// (within the minute that an honest correction may take).
/// </summary>
public sealed class HeldBackAttackTests(ITestOutputHelper output)
{
    private const int Tries = 10_000;
    private const int Seed = 20261130;

    [Fact]
    public void An_unlock_held_back_over_a_restart_does_not_fire_under_a_false_time()
    {
        var rig = new LockRig();
        rig.TickFor(5000);
        var held = rig.Unlock("held-back");
        rig.Clock.Advance(79_000);
        rig.Clock.UnixMs = held.IssuedAt + 100;

        rig.Reboot();
        rig.Receive(held);
        rig.TickFor(1200);

        rig.ShouldNotHaveMoved(Refusal.OtherBoot);
        rig.Text("result").ShouldBe("expired");
    }

    [Fact]
    public void Ten_thousand_held_back_commands_over_random_restarts_and_clock_jumps_move_nothing()
    {
        output.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        var rig = new LockRig();
        var held = new List<(ServerPen Command, bool KnewTime)>();
        var (tries, restarts, jumps, obeyed, right) = (0, 0, 0, 0, 0L);
        while (tries < Tries)
        {
            // The server's own time goes on, whatever the board believes.
            var server = ManualClock.Start + right;
            var command = new ServerPen
            {
                CommandId = $"h{tries}",
                IssuedAt = server,
                ExpiresAt = server + 10_000,
                Boot = rig.Brain.Boot,
                Command = random.Next(4) == 0 ? "LOCK" : "UNLOCK",
            };

            // Now and then one goes through, so that there is something to be replayed as well.
            if (random.Next(4) == 0)
            {
                rig.Receive(command);
                obeyed = rig.Bolt.Movements;
            }

            // A board that was lied to about the time from its start on, and not restarted since, has nothing to tell an old command by.
            var knowsTime = rig.Brain.IsClockTrusted && Math.Abs(rig.Clock.UnixMs - server) < 30_000;
            held.Add((command, knowsTime));
            if (held.Count > 200)
            {
                held.RemoveAt(random.Next(held.Count));
            }

            Pass(random.Next(80_000, 600_000));
            if (random.Next(3) > 0)
            {
                restarts++;
                rig.Clock.UnixMs = FalseTime();
                rig.Reboot();
                right += 2500;
            }
            else
            {
                jumps++;
                rig.Clock.UnixMs = FalseTime();
                rig.TickFor(200 * random.Next(3));
            }

            for (var i = random.Next(1, 6); i > 0; i--)
            {
                var (victim, knewTime) = held[random.Next(held.Count)];
                if (victim.Boot == rig.Brain.Boot && !knewTime)
                {
                    continue;
                }

                if (random.Next(2) == 0)
                {
                    // By the board's clock it would be valid just now.
                    rig.Clock.UnixMs = victim.IssuedAt + random.Next(9_000);
                }

                tries++;
                rig.Receive(victim);
                rig.Bolt.Movements.ShouldBe(obeyed, $"try {tries}, seed {Seed}");
            }

            if (random.Next(3) == 0)
            {
                rig.Clock.UnixMs = ManualClock.Start + right;
                rig.TickFor(200);
                right += 200;
            }
        }

        output.WriteLine(
            $"{tries} tries over {restarts} restarts and {jumps} clock jumps: no movement beside the {obeyed} of commands that were not held back; refused: "
            + string.Join(", ", Enum.GetValues<Refusal>().Where(r => rig.Brain.RefusalsOf(r) > 0).Select(r => $"{rig.Brain.RefusalsOf(r)} {r}")));
        obeyed.ShouldBeGreaterThan(50);
        restarts.ShouldBeGreaterThan(1000);
        jumps.ShouldBeGreaterThan(500);

        void Pass(long ms)
        {
            rig.Clock.Advance(ms);
            right += ms;
        }

        long FalseTime() => random.Next(6) switch
        {
            0 => 0,
            1 => ManualClock.Start + right,
            2 => ManualClock.Start + right + random.NextInt64(365L * 86_400_000),
            3 => ManualClock.Start + random.NextInt64(right + 1),
            _ => held[random.Next(held.Count)].Command.IssuedAt + random.Next(-20_000, 10_000),
        };
    }
}
