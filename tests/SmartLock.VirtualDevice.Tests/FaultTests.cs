using SmartLock.Device;
using SmartLock.VirtualDevice.Tests.Rig;

namespace SmartLock.VirtualDevice.Tests;

public sealed class FaultTests
{
    [Fact]
    public async Task Silent_obeys_and_says_nothing()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.Silent = true;
        rig.Unlock("quiet");
        rig.Clock.Advance(TimeSpan.FromSeconds(60));

        rig.Device.BoltMovements.ShouldBe(1);
        rig.Device.IsConnected.ShouldBeTrue();
        rig.Link.Published.ShouldHaveSingleItem();

        rig.Device.Faults.Silent = false;
        rig.Clock.Advance(TimeSpan.FromSeconds(10));
        rig.Link.LastReport.GetProperty("command_id").GetString().ShouldBe("quiet");
    }

    [Fact]
    public async Task Jammed_says_so_and_moves_nothing()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.Jammed = true;
        rig.Unlock("stuck");

        rig.Device.BoltMovements.ShouldBe(0);
        rig.Device.Status.ShouldBe(BoltStatus.Unknown);
        rig.Device.ExecutedCommandIds.ShouldBeEmpty();
        rig.Link.LastReport.GetProperty("issue").GetString().ShouldBe("Jammed");
        rig.Link.LastReport.GetProperty("result").GetString().ShouldBe("jammed");
    }

    [Fact]
    public async Task Late_in_acting_still_acts_inside_of_the_validity()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.ExecuteDelay = TimeSpan.FromSeconds(3);
        rig.Unlock("late");
        rig.Device.BoltMovements.ShouldBe(0);

        await rig.AdvanceUntilAsync(() => rig.Device.BoltMovements == 1);
        await rig.UntilAsync(VirtualLockEventKind.Decided);
        rig.Link.LastReport.GetProperty("result").GetString().ShouldBe("done");
    }

    [Fact]
    public async Task Too_late_in_acting_finds_the_command_expired()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.ExecuteDelay = TimeSpan.FromSeconds(11);
        rig.Unlock("late");

        await rig.AdvanceUntilAsync(() => rig.Device.RefusalsOf(Refusal.Expired) == 1);

        rig.Device.BoltMovements.ShouldBe(0);
        await rig.AdvanceUntilAsync(() => rig.Link.LastReport.GetProperty("result").GetString() == "expired");
    }

    [Fact]
    public async Task A_power_cut_loses_what_had_not_been_acted_on()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.ExecuteDelay = TimeSpan.FromSeconds(2);
        rig.Unlock("lost");
        rig.Device.CutPower(TimeSpan.FromSeconds(1));
        await rig.UntilAsync(VirtualLockEventKind.PowerCut);
        await rig.AdvanceUntilAsync(() => rig.Network.Links.Count == 2);
        rig.Clock.Advance(TimeSpan.FromSeconds(5));
        rig.Device.BoltMovements.ShouldBe(0);
    }

    [Fact]
    public async Task No_more_than_sixteen_commands_wait_to_be_acted_on()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.ExecuteDelay = TimeSpan.FromSeconds(2);
        for (var i = 0; i < 40; i++)
        {
            rig.Link.Deliver([(byte)i]);
        }

        await rig.AdvanceUntilAsync(() => rig.Device.RefusalsOf(Refusal.Malformed) == 16);
        rig.Clock.Advance(TimeSpan.FromSeconds(5));
        rig.Device.RefusalsOf(Refusal.Malformed).ShouldBe(16);
    }

    [Fact]
    public async Task Late_in_telling_acts_at_once_and_tells_later()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.AnswerDelay = TimeSpan.FromSeconds(3);
        rig.Unlock("told-later");

        rig.Device.BoltMovements.ShouldBe(1);
        rig.Link.Published.ShouldHaveSingleItem();
        await rig.AdvanceUntilAsync(() => rig.Link.LastReport.GetProperty("command_id").GetString() == "told-later");
    }

    [Theory]
    [InlineData(11, Refusal.Expired)]
    [InlineData(-31, Refusal.NotYetValid)]
    public async Task A_wrong_clock_refuses_commands(int seconds, Refusal because)
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.ClockOffset = TimeSpan.FromSeconds(seconds);
        rig.Unlock("misjudged");

        rig.Device.BoltMovements.ShouldBe(0);
        rig.Device.RefusalsOf(because).ShouldBe(1);
    }

    [Fact]
    public async Task A_clock_that_is_not_set_refuses_and_says_so()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Device.Faults.ClockNotSet = true;
        rig.Unlock("refused");
        rig.Clock.Advance(TimeSpan.FromSeconds(2));

        rig.Device.BoltMovements.ShouldBe(0);
        rig.Link.LastReport.GetProperty("issue").GetString().ShouldBe("Clock not set");

        rig.Device.Faults.ClockNotSet = false;
        rig.Clock.Advance(TimeSpan.FromSeconds(2));
        rig.Link.LastReport.GetProperty("issue").GetString().ShouldBeNull();
        rig.Unlock("taken");
        rig.Device.BoltMovements.ShouldBe(1);
    }

    [Fact]
    public async Task What_changes_while_the_lock_is_at_its_report_is_told_within_a_second_or_so()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Clock.Advance(TimeSpan.FromSeconds(10));
        rig.Link.Publishing = () => rig.Device.Faults.LowBattery = true;
        var before = rig.Link.Published.Count;

        // The next heartbeat looked around before it was sent, so it cannot know yet; the one after it must not be a heartbeat later.
        for (var steps = 0; rig.Link.Published.Count == before; steps++)
        {
            steps.ShouldBeLessThan(100);
            rig.Clock.Advance(TimeSpan.FromMilliseconds(200));
        }

        rig.Link.LastReport.GetProperty("issue").GetString().ShouldBeNull();
        rig.Link.Publishing = null;
        rig.Clock.Advance(TimeSpan.FromSeconds(2));
        rig.Link.LastReport.GetProperty("issue").GetString().ShouldBe("Low battery");
    }

    [Fact]
    public async Task A_low_battery_is_told_within_a_second_or_so()
    {
        await using var rig = new DeviceRig(o => o with { BatteryMillivolts = 3900 });
        await rig.StartAsync();
        rig.Link.LastReport.GetProperty("battery_mv").GetInt32().ShouldBe(3900);

        rig.Device.Faults.LowBattery = true;
        rig.Clock.Advance(TimeSpan.FromSeconds(2));

        rig.Link.LastReport.GetProperty("issue").GetString().ShouldBe("Low battery");
        rig.Link.LastReport.GetProperty("battery_mv").GetInt32().ShouldBe(3100);
    }

    [Fact]
    public async Task A_bolt_turned_by_hand_is_reported()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Clock.Advance(TimeSpan.FromMilliseconds(900));
        rig.Device.TurnBoltByHand(BoltStatus.Unlocked);
        rig.Clock.Advance(TimeSpan.FromSeconds(2));

        rig.Link.LastReport.GetProperty("status").GetString().ShouldBe("Unlocked");
        rig.Device.BoltMovements.ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_new_key_is_taken_whether_the_lock_is_on_or_off(bool isOn)
    {
        var key = DeviceKey.FromHex(new string('a', 64));
        await using var rig = new DeviceRig();
        if (isOn)
        {
            await rig.StartAsync();
        }

        rig.Device.Provision(key, TimeSpan.FromSeconds(1));

        if (isOn)
        {
            await rig.UntilAsync(VirtualLockEventKind.PowerCut);
            await rig.AdvanceUntilAsync(() => rig.Network.Links.Count == 2);
        }
        else
        {
            await rig.StartAsync();
        }

        rig.Link.Session.Password.ShouldBe(key.Sign("v1|mqtt|ESP32-7C9EBD"));
        rig.Unlock("old");
        rig.Device.RefusalsOf(Refusal.BadSignature).ShouldBe(1);
        rig.Device.BoltMovements.ShouldBe(0);
    }

    [Fact]
    public async Task Power_lost_as_the_bolt_is_to_move_leaves_it_where_it_is_and_the_command_spent()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        var reports = rig.Link.Published.Count;
        rig.Device.CutPowerAtNextMovement(TimeSpan.FromSeconds(1));
        var first = rig.Link;
        var command = Server.Unlock(rig.Device, rig.Clock, "torn");
        first.Deliver(command);

        await rig.UntilAsync(VirtualLockEventKind.PowerCut);
        first.Published.Count.ShouldBe(reports);
        first.WasAborted.ShouldBeTrue();
        rig.Events.ShouldNotContain(e => e.Kind == VirtualLockEventKind.Decided);
        await rig.AdvanceUntilAsync(() => rig.Network.Links.Count == 2);
        rig.Link.Deliver(command);

        rig.Device.BoltMovements.ShouldBe(0);
        rig.Device.Status.ShouldBe(BoltStatus.Locked);
        rig.Device.RefusalsOf(Refusal.OtherBoot).ShouldBe(1);
        rig.Unlock("new");
        rig.Device.BoltMovements.ShouldBe(1);
    }
}
