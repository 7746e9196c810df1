using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

public sealed class FlashTests
{
    [Fact]
    public void A_reboot_forgets_neither_the_newest_command_nor_its_verdict()
    {
        var rig = new LockRig();
        var unlock = rig.Unlock("before");
        rig.Receive(unlock);

        rig.Reboot();

        rig.Text("command_id").ShouldBe("before");
        rig.Text("result").ShouldBe("done");
        rig.Receive(unlock);
        rig.Receive(rig.Lock("older") with { IssuedAt = unlock.IssuedAt });
        rig.Bolt.Movements.ShouldBe(1);
        rig.Brain.RefusalsOf(Refusal.Repeated).ShouldBe(1);
        rig.Brain.RefusalsOf(Refusal.Replayed).ShouldBe(1);
    }

    [Fact]
    public void Of_a_thousand_starts_no_two_have_the_same_boot()
    {
        var rig = new LockRig();
        var boots = new HashSet<string>();
        for (var i = 0; i < 1000; i++)
        {
            boots.Add(rig.Brain.Boot).ShouldBeTrue();
            rig.Brain.Boot.ShouldMatch("^[0-9a-f]{16}$");

            // As a board has it: the same uptime, the same 1970, and the same throw of a generator that begins with them.
            rig.Clock.UnixMs = 0;
            rig.Reboot();
        }
    }

    [Fact]
    public void Nor_has_another_device()
    {
        var (one, other) = (new LockRig(), new LockRig(key: "ffeeddccbbaa99887766554433221100f0e0d0c0b0a090807060504030201000"));
        one.Brain.Boot.ShouldNotBe(other.Brain.Boot);
    }

    [Fact]
    public void The_record_is_written_before_the_bolt_moves()
    {
        var rig = new LockRig();
        var movementsAtWrite = new List<int>();
        rig.Flash.Writing = () => movementsAtWrite.Add(rig.Bolt.Movements);

        rig.Receive(rig.Unlock());

        movementsAtWrite.ShouldBe([0, 1]);
    }

    [Theory]
    [InlineData("refused")]
    [InlineData("exception")]
    [InlineData("worn")]
    public void When_it_cannot_be_written_the_bolt_does_not_move(string failure)
    {
        var rig = new LockRig();
        rig.Flash.RefuseWrites = failure == "refused";
        rig.Flash.ThrowOnWrite = failure == "exception";
        rig.Flash.Worn = failure == "worn";
        var unlock = rig.Unlock();

        rig.Receive(unlock);
        rig.Bolt.Movements.ShouldBe(0);
        rig.Brain.RefusalsOf(Refusal.StorageFailed).ShouldBe(1);
        rig.TickFor(1200);
        rig.Text("issue").ShouldBe("Storage failed");
        rig.LastReport.GetProperty("command_id").GetString().ShouldBeNull();

        rig.Flash.RefuseWrites = false;
        rig.Flash.ThrowOnWrite = false;
        rig.Flash.Worn = false;
        rig.Receive(unlock);
        rig.Bolt.Movements.ShouldBe(0, "it was seen");
        rig.Clock.Advance(1);
        rig.Receive(rig.Unlock("again"));
        rig.Bolt.Movements.ShouldBe(1);
        rig.Text("issue").ShouldBeNull();
    }

    [Fact]
    public void A_power_cut_between_flash_and_bolt_does_not_let_the_command_in_again()
    {
        var rig = new LockRig();
        var unlock = rig.Unlock();
        rig.Flash.Writing = () => rig.Flash.RefuseWrites = rig.Flash.Writes == 2;
        rig.Bolt.Throws = true;
        rig.Receive(unlock);
        rig.Bolt.Movements.ShouldBe(1);
        rig.Bolt.Throws = false;

        rig.Reboot();
        rig.LastReport.GetProperty("command_id").GetString().ShouldBeNull();
        rig.Receive(unlock with { Boot = rig.Brain.Boot });

        rig.Bolt.Movements.ShouldBe(1);
        rig.Brain.RefusalsOf(Refusal.Replayed).ShouldBe(1);
    }

    [Fact]
    public void A_torn_write_leaves_the_record_before_it()
    {
        var rig = new LockRig();
        var first = rig.Unlock("first");
        rig.Receive(first);
        rig.Clock.Advance(10);
        rig.Flash.TearIn = 1;
        rig.Receive(rig.Lock("torn"));
        rig.Bolt.Movements.ShouldBe(1);
        rig.Flash.PowerGone.ShouldBeTrue();

        rig.Reboot();

        rig.Text("command_id").ShouldBe("first");
        rig.Receive(rig.Lock("older") with { IssuedAt = first.IssuedAt, ExpiresAt = first.ExpiresAt + 30_000 });
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void After_a_reboot_too_whichever_slot_it_was_in(int writesAfterIt)
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("first"));
        for (var i = 1; i < writesAfterIt; i++)
        {
            // Accepted, but the verdict is not stored: an odd number of writes.
            rig.Clock.Advance(10);
            var accepted = rig.Flash.Writes + 1;
            rig.Flash.Writing = () => rig.Flash.RefuseWrites = rig.Flash.Writes == accepted;
            rig.Receive(rig.Lock("second"));
            rig.Flash.Writing = null;
            rig.Flash.RefuseWrites = false;
        }

        var newest = rig.Clock.UnixMs;
        rig.Reboot();
        rig.Flash.TearIn = writesAfterIt == 1 ? 0 : 1;
        rig.Receive(rig.Lock("torn"));
        rig.Flash.PowerGone.ShouldBeTrue();
        rig.Reboot();

        var movements = rig.Bolt.Movements;
        rig.Receive(rig.Lock("older") with { IssuedAt = newest, ExpiresAt = newest + 30_000 });
        rig.Bolt.Movements.ShouldBe(movements);
        rig.Brain.RefusalsOf(Refusal.Replayed).ShouldBe(1);
    }

    [Fact]
    public void Any_flipped_byte_makes_a_record_void()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("kept"));
        var key = DeviceKey.FromHex(LockRig.KeyHex);
        var record = rig.Flash.Slots[0]!;
        FlashRecord.Decode(key, record).Decision.CommandId.ShouldBe("kept");

        for (var at = 0; at < record.Length; at++)
        {
            var bent = record.ToArray();
            bent[at] ^= 1;
            FlashRecord.Decode(key, bent).ShouldBeNull();
            FlashRecord.Decode(key, record[..at]).ShouldBeNull();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void When_nothing_of_it_can_be_read_what_was_issued_before_the_start_is_refused(bool byException)
    {
        var rig = new LockRig();
        var seen = rig.Unlock("seen");
        rig.Receive(seen);
        rig.Flash.Slots[0]![5] ^= 1;
        rig.Flash.Slots[1]![5] ^= 1;
        rig.Flash.ThrowOnRead = byException;

        rig.Reboot();
        rig.Flash.ThrowOnRead = false;
        rig.Receive(seen with { Boot = rig.Brain.Boot, CommandId = "again" });
        rig.Bolt.Movements.ShouldBe(1);
        rig.Brain.RefusalsOf(Refusal.Replayed).ShouldBe(1);

        rig.Clock.Advance(1);
        rig.Receive(rig.Unlock("new"));
        rig.Bolt.Movements.ShouldBe(2);
    }

    [Fact]
    public void With_empty_flash_what_was_issued_before_the_start_is_refused()
    {
        var rig = new LockRig();
        var seen = rig.Unlock("seen");
        rig.Receive(seen);
        rig.Flash.Slots[0] = null;
        rig.Flash.Slots[1] = [];

        rig.Reboot();
        rig.Receive(seen with { Boot = rig.Brain.Boot, CommandId = "again" });
        rig.Bolt.Movements.ShouldBe(1);
        rig.Brain.RefusalsOf(Refusal.Replayed).ShouldBe(1);

        rig.Receive(rig.Unlock("new"));
        rig.Bolt.Movements.ShouldBe(2);
    }

    [Fact]
    public void A_brand_new_device_takes_a_command_issued_since_its_start_however_late_it_comes()
    {
        var rig = new LockRig();
        var first = rig.Unlock();
        rig.Clock.Advance(8000);
        rig.Receive(first);
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void One_dead_slot_does_not_shut_the_lock(int slot)
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("before"));
        rig.Flash.DeadSlot = slot;
        for (var i = 1; i <= 5; i++)
        {
            rig.Clock.Advance(10);
            var command = rig.Lock($"c{i}");
            rig.Receive(command);
            rig.Bolt.Movements.ShouldBe(1 + i);

            rig.Reboot();
            rig.Text("command_id").ShouldBe($"c{i}");
            rig.Text("issue").ShouldBeNull();
            rig.Receive(command with { CommandId = "again", Boot = rig.Brain.Boot });
            rig.Bolt.Movements.ShouldBe(1 + i);
        }
    }

    [Fact]
    public void One_slot_dead_from_the_start_does_not_either()
    {
        var rig = new LockRig();
        rig.Flash.DeadSlot = 0;
        rig.Receive(rig.Unlock("first"));
        rig.Bolt.Movements.ShouldBe(1);

        rig.Reboot();
        rig.Text("command_id").ShouldBe("first");
        rig.Receive(rig.Lock("second"));
        rig.Bolt.Movements.ShouldBe(2);
    }

    [Fact]
    public void A_power_cut_in_the_only_good_slot_lets_no_command_in_again()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("old"));
        rig.Flash.DeadSlot = 0;
        rig.Clock.Advance(10);
        var newest = rig.Lock("newest");
        rig.Receive(newest);
        rig.Bolt.Movements.ShouldBe(2);
        rig.Clock.Advance(10);
        rig.Flash.TearIn = 1;
        rig.Receive(rig.Unlock("torn"));
        rig.Flash.PowerGone.ShouldBeTrue();
        rig.Bolt.Movements.ShouldBe(2);

        // What is left whole is the dead slot's record, older than the newest command.
        rig.Reboot();
        rig.Receive(newest with { Boot = rig.Brain.Boot });

        rig.Bolt.Movements.ShouldBe(2);
        rig.Brain.RefusalsOf(Refusal.Replayed).ShouldBe(1);
        rig.Receive(rig.Unlock("new"));
        rig.Bolt.Movements.ShouldBe(3);
    }

    [Fact]
    public void What_a_failing_slot_kept_all_the_same_is_never_taken_for_the_newest()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("first"));
        rig.Clock.Advance(10);

        // Slot 0 takes the record and fails in the read-back; slot 1 takes nothing.
        rig.Flash.DeadSlot = 1;
        rig.Flash.ThrowOnRead = true;
        rig.Receive(rig.Lock("kept-unseen"));
        rig.Bolt.Movements.ShouldBe(1);
        rig.Flash.ThrowOnRead = false;
        rig.Flash.DeadSlot = 0;
        rig.Clock.Advance(10);
        var newest = rig.Unlock("newest");
        rig.Flash.Writing = () => rig.Flash.RefuseWrites = rig.Bolt.Movements > 1;
        rig.Receive(newest);
        rig.Bolt.Movements.ShouldBe(2);
        rig.Flash.Writing = null;
        rig.Flash.RefuseWrites = false;

        rig.Reboot();
        rig.Receive(newest with { CommandId = "again", Boot = rig.Brain.Boot });
        rig.Bolt.Movements.ShouldBe(2);
    }

    [Fact]
    public void A_thousand_commands_and_reboots_keep_the_newest()
    {
        var rig = new LockRig();
        for (var i = 0; i < 1000; i++)
        {
            rig.Clock.Advance(3);
            var id = $"c{i}";
            rig.Receive(i % 2 == 0 ? rig.Unlock(id) : rig.Lock(id));
            if (i % 7 == 0)
            {
                rig.Reboot();
                rig.Text("command_id").ShouldBe(id);
            }
        }

        rig.Bolt.Movements.ShouldBe(1000);
    }
}
