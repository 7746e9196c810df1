using SmartLock.Firmware.Tests.Rig;

namespace SmartLock.Firmware.Tests;

/// <summary>Program.cs and all that it starts, from power-on, against a real broker.</summary>
public sealed class WholeBoardTests : IDisposable
{
    private const int Red = 26;
    private const int Green = 27;
    private const int Bolt = 18;
    private const int Button = 19;

    private readonly string _flash = Directory.CreateTempSubdirectory("smartlock-flash-").FullName + Path.DirectorySeparatorChar;

    public void Dispose() => Directory.Delete(_flash, recursive: true);

    [Fact]
    public async Task From_a_file_of_settings_to_an_open_door_through_lost_brokers_and_power_cuts()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        await ProvisionAsync(broker.Port);
        byte[] unlock;
        await using (var board = SwitchedOnBoard.On(_flash))
        {
            await door.ReportAsync("the first report", ("status", "Locked"));
            await board.PinAsync(Red, high: true);
            board.IsHigh(Bolt).ShouldBeFalse();
            File.Exists(_flash + "smartlock.json").ShouldBeFalse();
            board.Output.ShouldNotContain(Door.KeyText);
            board.Output.ShouldNotContain("correct horse");

            unlock = door.Command("UNLOCK", "unlock-1");
            await door.SendAsync(unlock);
            await door.ReportAsync("the verdict", ("command_id", "unlock-1"), ("result", "done"), ("status", "Unlocked"));
            board.IsHigh(Bolt).ShouldBeTrue();
            await board.PinAsync(Green, high: true);
            await board.PinAsync(Red, high: false);

            await broker.StopAsync();
            await board.LineAsync("broker: connection lost");
            await broker.StartAsync();
            await door.WatchAgainAsync(broker.Port);
            door.LookAgain();
            await door.ReportAsync("the report after the loss", ("status", "Unlocked"), ("command_id", "unlock-1"));
            board.IsHigh(Bolt).ShouldBeTrue();

            await board.CutPowerAsync();
        }

        door.LookAgain();
        await using var again = SwitchedOnBoard.On(_flash);
        await door.ReportAsync("the report after the power cut", ("status", "Locked"), ("command_id", "unlock-1"));
        again.IsHigh(Bolt).ShouldBeFalse();
        await again.PinAsync(Red, high: true);
        door.LookAgain();
        await door.SendAsync(unlock);
        await door.ReportAsync("the answer to the old command", ("status", "Locked"), ("command_id", "unlock-1"));
        again.IsHigh(Bolt).ShouldBeFalse();
        await door.SendAsync(door.Command("UNLOCK", "unlock-2"));
        await door.ReportAsync("the second verdict", ("command_id", "unlock-2"), ("result", "done"));
        again.IsHigh(Bolt).ShouldBeTrue();
    }

    [Fact]
    public async Task A_pressed_button_locks()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        await ProvisionAsync(broker.Port);
        await using var board = SwitchedOnBoard.On(_flash);
        await door.ReportAsync("the first report", ("status", "Locked"));
        await door.SendAsync(door.Command("UNLOCK", "unlock-1"));
        await board.PinAsync(Bolt, high: true);

        await board.DoAsync($"tie {Button} low");

        await board.PinAsync(Bolt, high: false);
        door.LookAgain();
        await door.ReportAsync("the report of it", ("status", "Locked"));
    }

    [Fact]
    public async Task Without_Wi_Fi_it_stays_locked_and_connects_once_there_is_some()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        await ProvisionAsync(broker.Port);
        await using var board = SwitchedOnBoard.On(_flash);
        await door.ReportAsync("the first report", ("status", "Locked"));

        await board.DoAsync("air off");
        await board.LineAsync("broker: connection lost");
        await board.DoAsync("air on");

        door.LookAgain();
        await door.ReportAsync("the report after it", ("status", "Locked"));
        board.IsHigh(Bolt).ShouldBeFalse();
    }

    [Fact]
    public async Task Without_settings_no_bolt_moves_and_the_lights_take_turns_until_somebody_sets_it_up()
    {
        await using var broker = await Broker.StartNewAsync();
        using var door = await Door.WatchAsync(broker.Port);
        await using (var board = SwitchedOnBoard.On(_flash))
        {
            await board.LineAsync("not set up");
            await board.PinAsync(Red, high: true);
            await board.PinAsync(Green, high: true);
            await board.PinAsync(Red, high: true);

            await board.DoAsync("type status");
            await board.LineAsync("firmware 1.0.0, not set up");
            await board.DoAsync("type " + Settings(broker.Port));
            await board.LineAsync("taken, not saved yet");
            await board.DoAsync("type save");
            await board.LineAsync("saved: reboot to use");
            board.Output.ShouldNotContain(Door.KeyText);
            board.Output.ShouldNotContain($"pin {Bolt} ");
            await board.DoAsync("type reboot");
            await board.RestartAsync();
        }

        await using var set = SwitchedOnBoard.On(_flash);
        await door.ReportAsync("the first report", ("status", "Locked"));
        await set.DoAsync("type status");
        await set.LineAsync("connection: broker connected");
    }

    [Fact]
    public async Task A_file_of_settings_with_a_mistake_is_told_of_and_kept()
    {
        await File.WriteAllTextAsync(_flash + "smartlock.json", """{"wifi_ssid":""}""", TestContext.Current.CancellationToken);
        await using var board = SwitchedOnBoard.On(_flash);

        await board.LineAsync("smartlock.json is not taken: ");
        await board.LineAsync("not set up");

        File.Exists(_flash + "smartlock.json").ShouldBeTrue();
    }

    private static string Settings(int port) =>
        $$"""{"wifi_ssid":"home","wifi_password":"correct horse","host":"127.0.0.1","port":{{port}},"device_id":"{{Door.DeviceId}}",""" +
        $$""" "key":"{{Door.KeyText}}","bolt_pin":{{Bolt}},"button_pin":{{Button}}}""";

    private Task ProvisionAsync(int port) => File.WriteAllTextAsync(_flash + "smartlock.json", Settings(port));
}
