using SmartLock.VirtualDevice.Terminal;
using SmartLock.VirtualDevice.Tests.Rig;

namespace SmartLock.VirtualDevice.Tests.Terminal;

public sealed class DeviceViewTests
{
    [Fact]
    public async Task Elsewhere_than_in_a_terminal_each_event_is_one_plain_line()
    {
        await using var rig = new DeviceRig();
        var output = new StringWriter();
        var shown = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Device.Happened += new DeviceView(rig.Device, output, ansi: false).OnHappened;
        rig.Device.Happened += (_, happened) =>
        {
            if (happened.Kind == VirtualLockEventKind.Connected)
            {
                shown.TrySetResult();
            }
        };
        await rig.StartAsync();
        await shown.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        rig.Unlock("c1");

        var text = output.ToString();
        text.ShouldContain("12:00:00 booted [Locked]");
        text.ShouldContain("12:00:00 connected to localhost:1883 [Locked]");
        text.ShouldContain("12:00:00 c1: done [Unlocked]");
        text.ShouldNotContain("\e");
    }

    [Fact]
    public async Task In_a_terminal_the_picture_is_redrawn_in_place()
    {
        await using var rig = new DeviceRig();
        var output = new StringWriter();
        var view = new DeviceView(rig.Device, output, ansi: true);
        await rig.StartAsync();
        rig.Device.Faults.Jammed = true;
        view.Redraw();
        var first = output.ToString();
        first.ShouldContain("ESP32-7C9EBD  connected  Locked");
        first.ShouldContain("\e[31m●\e[0m locked");
        first.ShouldContain("○\e[0m unlocked");
        first.ShouldContain("faults: jammed");

        view.Redraw();
        output.ToString()[first.Length..].ShouldStartWith("\e[5A\e[J");
    }

    [Fact]
    public async Task No_foreign_word_steers_the_terminal()
    {
        await using var rig = new DeviceRig();
        var output = new StringWriter();
        var view = new DeviceView(rig.Device, output, ansi: false);
        view.OnHappened(rig.Device, new VirtualLockEvent(rig.Clock.GetUtcNow(), VirtualLockEventKind.ConnectFailed, "\e[2Jgone\n"));
        output.ToString().ShouldStartWith("12:00:00 ?[2Jgone? [");
    }

    [Theory]
    [InlineData('s', "silent")]
    [InlineData('j', "jammed")]
    [InlineData('l', "late")]
    [InlineData('a', "late answer")]
    [InlineData('c', "clock not set")]
    [InlineData('O', "clock off")]
    [InlineData('b', "low battery")]
    public async Task Each_key_switches_its_fault_on_and_off(char key, string fault)
    {
        await using var rig = new DeviceRig();
        FaultKeys.Press(rig.Device, key).ShouldBeTrue();
        FaultKeys.Describe(rig.Device.Faults).ShouldBe(fault);
        FaultKeys.Press(rig.Device, key).ShouldBeTrue();
        FaultKeys.Describe(rig.Device.Faults).ShouldBe("none");
    }

    [Fact]
    public async Task P_cuts_the_power_h_turns_the_bolt_and_x_means_nothing()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        FaultKeys.Press(rig.Device, 'x').ShouldBeFalse();
        FaultKeys.Press(rig.Device, 'h').ShouldBeTrue();
        rig.Clock.Advance(TimeSpan.FromSeconds(2));
        rig.Device.Status.ShouldBe(SmartLock.Device.BoltStatus.Unlocked);
        FaultKeys.Press(rig.Device, 'p').ShouldBeTrue();
        await rig.UntilAsync(VirtualLockEventKind.PowerCut);
    }
}
