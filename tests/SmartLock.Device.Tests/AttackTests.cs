using FsCheck;
using FsCheck.Fluent;
using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

public sealed class AttackTests
{
    [Fact]
    public void No_flipped_bit_of_a_genuine_command_moves_anything_but_what_it_said()
    {
        var rig = new LockRig();
        var genuine = rig.Unlock().Write();
        for (var at = 0; at < genuine.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var bent = genuine.ToArray();
                bent[at] ^= (byte)(1 << bit);
                rig.Receive(bent);
                rig.Bolt.Movements.ShouldBe(0, $"byte {at}, bit {bit}");
            }
        }

        rig.Log.Decisions.ShouldBeEmpty();
        rig.Receive(genuine);
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Fact]
    public void No_cut_or_lengthened_command_does_either()
    {
        var rig = new LockRig();
        var genuine = rig.Unlock().Write();
        for (var length = 0; length < genuine.Length; length++)
        {
            rig.Receive(genuine[..length]);
            rig.Receive([.. genuine, .. genuine[..(length + 1)]]);
        }

        rig.Bolt.Movements.ShouldBe(0);
    }

    [Fact]
    public void Ten_thousand_random_messages_move_nothing_and_throw_nothing()
    {
        var rig = new LockRig();
        var random = new Random(20260601);
        var genuine = rig.Unlock();
        for (var i = 0; i < 10_000; i++)
        {
            rig.Clock.Advance(1);
            rig.Brain.OnMessage(Topic(random), Payload(random, genuine), retained: random.Next(4) == 0);
        }

        rig.Bolt.Movements.ShouldBe(0);
        rig.Flash.Writes.ShouldBe(1, "that of the start");
        rig.Log.Decisions.ShouldBeEmpty();
        rig.Log.Lines.Count.ShouldBeLessThanOrEqualTo(2);
    }

    [Fact]
    public void No_bytes_at_all_throw()
    {
        var rig = new LockRig();
        var bytes = ArbMap.Default.ArbFor<byte[]>();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(bytes, payload =>
        {
            rig.Receive(payload);
            return rig.Bolt.Movements == 0;
        }));
        rig.Brain.OnMessage("smartlock/commands", null, false);
    }

    /// <summary>
    /// A model of the rules in one sentence each, against the brain, over random histories of issuing, delivering late, again and out
    /// of order, rebooting, failing flash and dead slots: the bolt moves exactly when the model says so, and never twice for one command.
    /// </summary>
    [Fact]
    public void Over_random_histories_the_bolt_moves_exactly_when_the_rules_say_so()
    {
        var seeds = Gen.Choose(0, int.MaxValue).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(seeds, seed => PlaysByTheRules(new Random(seed))));
    }

    private static bool PlaysByTheRules(Random random)
    {
        var rig = new LockRig();
        var issued = new List<ServerPen>();
        var moved = new HashSet<string>();
        long greatest = 0;
        for (var step = 0; step < 120; step++)
        {
            rig.Clock.Advance(random.Next(1, 3000));
            switch (random.Next(9))
            {
                case 0:
                    rig.Reboot();
                    break;
                case 8:
                    rig.Flash.DeadSlot = random.Next(3) is var slot and < 2 ? slot : null;
                    break;
                case 1:
                    rig.Flash.RefuseWrites = !rig.Flash.RefuseWrites;
                    break;
                case 2 or 3 or 4:
                    issued.Add(rig.Unlock($"c{issued.Count}") with { Command = random.Next(2) == 0 ? "LOCK" : "UNLOCK" });
                    break;
                default:
                    if (issued.Count == 0)
                    {
                        break;
                    }

                    var command = issued[random.Next(issued.Count)];
                    var allowed = command.Boot == rig.Brain.Boot
                        && command.ExpiresAt > rig.Clock.UnixMs
                        && command.IssuedAt > greatest
                        && !rig.Flash.RefuseWrites;
                    var before = rig.Bolt.Movements;
                    rig.Receive(command);
                    if (rig.Bolt.Movements - before != (allowed ? 1 : 0))
                    {
                        return false;
                    }

                    greatest = Math.Max(greatest, command.IssuedAt);
                    if (allowed)
                    {
                        moved.Add(command.CommandId).ShouldBeTrue();
                    }

                    break;
            }
        }

        return true;
    }

    private static string Topic(Random random) => random.Next(3) switch
    {
        0 => "smartlock/commands",
        1 => "smartlock/commands/" + LockRig.DeviceId,
        _ => "smartlock/commands/" + random.Next(),
    };

    private static byte[] Payload(Random random, ServerPen genuine)
    {
        switch (random.Next(4))
        {
            case 0:
                var noise = new byte[random.Next(1200)];
                random.NextBytes(noise);
                return noise;
            case 1:
                var signature = new byte[32];
                random.NextBytes(signature);
                return genuine.Json(Convert.ToHexStringLower(signature)).Bytes();
            case 2:
                var key = new byte[32];
                random.NextBytes(key);
                return (genuine with { Key = Convert.ToHexStringLower(key), IssuedAt = ManualClock.Start + random.Next() }).Write();
            default:
                // A genuine signature on another command.
                return (genuine with { IssuedAt = genuine.IssuedAt + 1 + random.Next(1000) }).Json(genuine.Signature).Bytes();
        }
    }
}
