using SmartLock.Device.Tests.Settings;

namespace SmartLock.Device.Tests.Setup;

public sealed class SetupConsoleTests
{
    private static readonly string[] ByHand =
    [
        "set wifi_ssid My Home", "set wifi_password", Sample.Password, "set host 10.0.0.2", "set device_id ESP32-1", "set key", Sample.Key,
    ];

    private readonly SetupRig _rig = new();

    [Fact]
    public void A_lock_is_set_up_by_hand()
    {
        _rig.Type(ByHand);
        _rig.Type("set tls true", "set bolt_pin 4", "set locked_light_pin none", "save").ShouldEndWith("save\r\nsaved: reboot to use\r\n> ");

        var stored = _rig.Stored.ShouldNotBeNull();
        stored.WifiSsid.ShouldBe("My Home");
        stored.WifiPassword.ShouldBe(Sample.Password);
        stored.Host.ShouldBe("10.0.0.2");
        stored.Port.ShouldBe(8883);
        stored.DeviceId.ShouldBe("ESP32-1");
        stored.Key.ShouldBe(Sample.Key);
        stored.BoltPin.ShouldBe(4);
        stored.LockedLightPin.ShouldBe(DeviceSettings.NoPin);
        _rig.Type("reboot").ShouldContain("rebooting");
        _rig.Reboots.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Or_by_one_line_of_json(bool byPaste)
    {
        var shown = byPaste ? _rig.Type("paste", Sample.FullJson, "save") : _rig.Type(Sample.FullJson, "save");

        shown.ShouldContain("saved: reboot to use");
        shown.ShouldNotContain("192.168");
        _rig.Stored.Text().ShouldBe(Sample.Settings(Sample.FullJson).Text());
    }

    [Fact]
    public void The_largest_json_fits_in_a_line()
    {
        _rig.Type(Sample.Largest.Text(), "save").ShouldContain("saved");
        _rig.Stored.Text().ShouldBe(Sample.Largest.Text());
        _rig.Type("{" + new string(' ', 1022) + "}").ShouldContain("wifi_ssid: is missing");
        _rig.Type("{" + new string(' ', 1023) + "}").ShouldContain("too long");
        _rig.Type("paste", new string(' ', 1022) + "{}").ShouldContain("wifi_ssid: is missing");
        _rig.Type("paste", new string(' ', 1023) + "{}").ShouldContain("too long");
    }

    [Fact]
    public void Nothing_is_stored_before_save_and_a_restart_starts_from_what_is()
    {
        _rig.Type(ByHand);
        _rig.Stored.ShouldBeNull();
        _rig.Type("save");
        _rig.Type("set host elsewhere.example");
        _rig.Type("show").ShouldContain("(not saved yet)");

        _rig.Restart();
        var shown = _rig.Type("show");
        shown.ShouldContain("host: 10.0.0.2\r\n");
        shown.ShouldNotContain("(not saved yet)");
    }

    [Fact]
    public void Show_has_every_setting_and_of_secrets_only_whether_they_are_set()
    {
        _rig.Type("show").ShouldBe(
            """
            show
            wifi_ssid: not set
            wifi_password: not set
            host: not set
            port: 1883 (default)
            tls: false (default)
            device_id: not set
            key: not set
            locked_light_pin: 26 (default)
            unlocked_light_pin: 27 (default)
            bolt_pin: none (default)
            button_pin: none (default)
            door_pin: none (default)
            battery_pin: none (default)
            > 
            """.ReplaceLineEndings("\r\n"));

        _rig.Type(Sample.FullJson);
        _rig.Type("show").ShouldBe(
            """
            show
            wifi_ssid: Home "2"
            wifi_password: set
            host: 192.168.1.20
            port: 18883
            tls: true
            device_id: ESP32-7C9EBD
            key: set
            locked_light_pin: 25
            unlocked_light_pin: 23
            bolt_pin: 4
            button_pin: 5
            door_pin: 18
            battery_pin: 19
            (not saved yet)
            > 
            """.ReplaceLineEndings("\r\n"));
    }

    [Fact]
    public void A_port_that_was_not_given_follows_tls_after_a_restart_too()
    {
        _rig.Type(ByHand);
        _rig.Type("save");
        _rig.Restart();
        _rig.Type("set tls true", "show").ShouldContain("port: 8883 (default)");
    }

    [Theory]
    [InlineData("set bolt_pin 6", "bolt_pin: 6 to 11 belong to the flash")]
    [InlineData("set bolt_pin x", "bolt_pin: must be a GPIO")]
    [InlineData("set port 0", "port: must be 1 to 65535")]
    [InlineData("set tls yes", "tls: must be true or false")]
    [InlineData("set host a b", "host: must be a host name")]
    [InlineData("set colour red", "colour: there is no such setting")]
    [InlineData("set", "set what?")]
    [InlineData("set host", "host: no value; 'unset host' takes it away")]
    [InlineData("unset colour", "colour: there is no such setting")]
    [InlineData("unset", "unset what?")]
    [InlineData("frobnicate", "there is no such command")]
    [InlineData("save now", "there is no such command")]
    [InlineData("{\"host\":\"h\"}", "nothing taken: wifi_ssid: is missing")]
    [InlineData("{\"host\":5}", "nothing taken: host: must be a text")]
    [InlineData("{", "nothing taken: the JSON must be in one line")]
    [InlineData("save", "not saved: wifi_ssid: is missing")]
    [InlineData("SAVE", "there is no such command")]
    public void What_is_wrong_is_named_and_changes_nothing(string line, string said)
    {
        _rig.Type(line).ShouldContain("\r\n" + said);
        _rig.Type("show").ShouldNotContain("not saved yet");
        _rig.Flash.Writes.ShouldBe(0);
    }

    [Fact]
    public void Save_checks_what_only_shows_in_the_whole()
    {
        _rig.Type(ByHand);
        _rig.Type("set button_pin 26", "save").ShouldContain("not saved: button_pin: the same pin as locked_light_pin");
        _rig.Type("unset button_pin", "save").ShouldContain("saved: reboot to use");
        _rig.Type("unset key", "save").ShouldContain("not saved: key: is missing");
    }

    [Fact]
    public void A_flash_that_fails_is_told_and_nothing_is_lost()
    {
        _rig.Type(ByHand);
        _rig.Flash.RefuseWrites = true;
        _rig.Type("save").ShouldContain("not saved: the flash could not be written");
        _rig.Flash.RefuseWrites = false;
        _rig.Type("show").ShouldContain("(not saved yet)");
        _rig.Type("save").ShouldContain("saved: reboot");
    }

    [Fact]
    public void Unsaved_changes_stop_the_first_reboot()
    {
        _rig.Type("set port 2000", "reboot").ShouldContain("not saved");
        _rig.Type("show", "reboot").ShouldContain("not saved");
        _rig.Reboots.ShouldBe(0);
        _rig.Type("reboot").ShouldContain("rebooting");
        _rig.Reboots.ShouldBe(1);
    }

    [Fact]
    public void Forgetting_wants_the_device_id()
    {
        _rig.Type(ByHand);
        _rig.Type("save");
        _rig.Type("forget", "").ShouldContain("type ESP32-1: \r\nnot forgotten");
        _rig.Type("forget", "yes").ShouldContain("not forgotten");
        _rig.Stored.ShouldNotBeNull();

        _rig.Type("forget", "ESP32-1").ShouldContain("forgotten: reboot");

        _rig.Stored.ShouldBeNull();
        _rig.Type("show").ShouldContain("key: not set");
        _rig.Flash.Slots.ShouldAllBe(s => s!.Length < 30);
    }

    [Fact]
    public void What_cannot_be_read_can_be_forgotten_too()
    {
        _rig.Flash.Slots[0] = SettingsRecord.Encode(1, "{\"colour\":\"old-firmware\"}"u8.ToArray());
        _rig.Restart();
        _rig.Type("forget", "forget").ShouldContain("forgotten: reboot");
        _rig.Flash.Slots.ShouldAllBe(s => s!.Length < 30);
        _rig.Flash.RefuseWrites = true;
        _rig.Type("forget", "forget").ShouldContain("may still be in it");
    }

    [Fact]
    public void Status_is_what_the_host_says()
    {
        _rig.Type("status").ShouldBe("status\r\nup 5 s\r\nbroker connected\r\n> ");
        _rig.Status = null;
        _rig.Type("status").ShouldBe("status\r\n\r\n> ");
    }

    [Fact]
    public void Help_names_every_command_and_setting()
    {
        var help = _rig.Type("help");
        string[] words = ["show", "set ", "unset ", "paste", "save", "reboot", "forget", "status"];
        words.ShouldAllBe(word => help.Contains("\r\n" + word));
        Enumerable.Range(0, SettingNames.Count).ShouldAllBe(i => help.Contains("  " + SettingNames.Of(i)));
    }
}
