using System.Device.Gpio;
using SmartLock.Device;
using SmartLock.Firmware.Shapes;
using SmartLock.Firmware.Tests.Rig;

namespace SmartLock.Firmware.Tests;

public sealed class PinTests
{
    private readonly Bench _bench = Bench.PutOnTable();
    private readonly RecordingLog _log = new();
    private readonly GpioController _pins = new();

    [Fact]
    public void Opening_the_bolts_pin_locks()
    {
        var bolt = new BoltLine(_pins, 18, _log);

        _bench.Pins.Record.ShouldBe(["open 18 Output", "18 low"]);
        bolt.Position.ShouldBe(BoltStatus.Locked);
    }

    [Fact]
    public void The_bolt_is_where_it_was_last_driven_to()
    {
        var bolt = new BoltLine(_pins, 18, _log);

        bolt.Move(locked: false).ShouldBeTrue();
        _bench.Pins.IsHigh(18).ShouldBeTrue();
        bolt.Position.ShouldBe(BoltStatus.Unlocked);

        bolt.Move(locked: true).ShouldBeTrue();
        _bench.Pins.IsHigh(18).ShouldBeFalse();
        bolt.Position.ShouldBe(BoltStatus.Locked);
    }

    [Fact]
    public void Without_a_pin_the_bolt_exists_by_its_lights()
    {
        var bolt = new BoltLine(_pins, DeviceSettings.NoPin, _log);

        bolt.Move(locked: false).ShouldBeTrue();
        bolt.Position.ShouldBe(BoltStatus.Unlocked);
        _bench.Pins.Record.ShouldBeEmpty();
    }

    [Fact]
    public void A_bolt_whose_pin_cannot_drive_it_is_nowhere_and_never_moves()
    {
        var bolt = new BoltLine(_pins, 34, _log);

        bolt.Position.ShouldBe(BoltStatus.Unknown);
        bolt.Move(locked: false).ShouldBeFalse();
        _log.Lines.ShouldHaveSingleItem().ShouldStartWith("bolt at pin 34: ");
    }

    [Fact]
    public void A_light_is_high_when_lit()
    {
        var light = new OutputLine(_pins, 27, _log);
        light.Write(true);
        _bench.Pins.IsHigh(27).ShouldBeTrue();
        light.Write(false);
        _bench.Pins.IsHigh(27).ShouldBeFalse();
    }

    [Fact]
    public void A_light_that_cannot_be_driven_is_told_of_once()
    {
        var light = new OutputLine(_pins, 39, _log);
        light.Write(true);
        light.Write(false);

        _log.Lines.ShouldHaveSingleItem().ShouldStartWith("light at pin 39: ");
    }

    [Fact]
    public void A_contact_is_active_when_it_ties_its_pin_to_ground()
    {
        var button = new InputLine(_pins, 5, _log);

        _bench.Pins.Record.ShouldBe(["open 5 InputPullUp"]);
        button.IsActive.ShouldBeFalse();
        _bench.Pins.Tie(5, high: false);
        button.IsActive.ShouldBeTrue();
    }

    [Fact]
    public void A_cut_wire_is_an_open_door_and_no_wire_is_none()
    {
        var none = new InputLine(_pins, DeviceSettings.NoPin, _log);
        var door = new InputLine(_pins, 4, _log);
        var gauges = new BoardGauges(none, door);

        gauges.IsDoorOpen.ShouldBeTrue();
        _bench.Pins.Tie(4, high: false);
        gauges.IsDoorOpen.ShouldBeFalse();
        gauges.IsBatteryLow.ShouldBeFalse();
        new BoardGauges(door, none).IsDoorOpen.ShouldBeFalse();
        new BoardGauges(door, none).IsBatteryLow.ShouldBeTrue();
    }

    [Fact]
    public void A_door_contact_whose_pin_cannot_be_read_is_told_of_once_and_is_no_closed_door()
    {
        _pins.OpenPin(4, PinMode.Output);
        var door = new InputLine(_pins, 4, _log);
        var gauges = new BoardGauges(new InputLine(_pins, DeviceSettings.NoPin, _log), door);

        gauges.IsDoorOpen.ShouldBeTrue();
        gauges.IsDoorOpen.ShouldBeTrue();
        _log.Lines.ShouldHaveSingleItem().ShouldStartWith("contact at pin 4: ");
    }

    [Fact]
    public void A_button_that_failed_once_presses_again()
    {
        var button = new InputLine(_pins, 5, _log);
        _bench.Pins.Tie(5, high: false);
        _bench.Pins.Trouble = new InvalidOperationException("no answer");
        button.IsActive.ShouldBeFalse();
        button.IsActive.ShouldBeFalse();
        _bench.Pins.Trouble = null;

        button.IsActive.ShouldBeTrue();
        _log.Lines.ShouldHaveSingleItem().ShouldBe("contact at pin 5: no answer");
    }
}
