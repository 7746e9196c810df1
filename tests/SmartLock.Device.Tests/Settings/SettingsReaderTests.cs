using FsCheck;
using FsCheck.Fluent;
using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Settings;

public sealed class SettingsReaderTests
{
    [Fact]
    public void What_is_not_given_has_its_default()
    {
        var settings = Sample.Settings();

        settings.WifiSsid.ShouldBe("Home");
        settings.WifiPassword.ShouldBe(Sample.Password);
        settings.Host.ShouldBe("lock.example.org");
        settings.DeviceId.ShouldBe("ESP32-7C9EBD");
        settings.Key.ShouldBe(Sample.Key);
        settings.Port.ShouldBe(1883);
        settings.Tls.ShouldBeFalse();
        settings.LockedLightPin.ShouldBe(26);
        settings.UnlockedLightPin.ShouldBe(27);
        int[] others = [settings.BoltPin, settings.ButtonPin, settings.DoorPin, settings.BatteryPin];
        others.ShouldAllBe(pin => pin == DeviceSettings.NoPin);
        settings.ToString().ShouldBe("ESP32-7C9EBD");
    }

    [Fact]
    public void Every_member_is_read()
    {
        var settings = Sample.Settings(Sample.FullJson);

        settings.WifiSsid.ShouldBe("Home \"2\"");
        settings.Host.ShouldBe("192.168.1.20");
        settings.Port.ShouldBe(18883);
        settings.Tls.ShouldBeTrue();
        int[] pins = [settings.LockedLightPin, settings.UnlockedLightPin, settings.BoltPin, settings.ButtonPin, settings.DoorPin, settings.BatteryPin];
        pins.ShouldBe([25, 23, 4, 5, 18, 19]);
    }

    [Theory]
    [InlineData("false", 1883)]
    [InlineData("true", 8883)]
    public void The_default_port_depends_on_tls(string tls, int port)
    {
        Sample.Settings(Sample.With("tls", tls)).Port.ShouldBe(port);
    }

    [Theory]
    [InlineData("wifi_ssid", "\"x\"")]
    [InlineData("wifi_ssid", "\"12345678901234567890123456789012\"")]
    [InlineData("wifi_password", null)]
    [InlineData("wifi_password", "\"\"")]
    [InlineData("wifi_password", "\"12345678\"")]
    [InlineData("wifi_password", "\"123456789012345678901234567890123456789012345678901234567890123\"")]
    [InlineData("wifi_password", "\"00112233445566778899AABBCCDDEEFF0123456789abcdef0123456789abcdef\"")]
    [InlineData("host", "\"h\"")]
    [InlineData("host", "\"10.0.0.1\"")]
    [InlineData("host", "\"255.255.255.255\"")]
    [InlineData("host", "\"3com.example\"")]
    [InlineData("host", "\"1.2.3.4.example\"")]
    [InlineData("host", "\"a-b.LOCAL\"")]
    [InlineData("port", "1")]
    [InlineData("port", "65535")]
    [InlineData("device_id", "\"a\"")]
    [InlineData("locked_light_pin", "null")]
    [InlineData("locked_light_pin", "2")]
    [InlineData("unlocked_light_pin", "23")]
    [InlineData("bolt_pin", "21")]
    [InlineData("bolt_pin", "null")]
    [InlineData("button_pin", "14")]
    [InlineData("door_pin", "15")]
    [InlineData("battery_pin", "22")]
    public void Takes(string name, string? value)
    {
        SettingsReader.Read(Sample.With(name, value).Bytes(), out var error).ShouldNotBeNull();
        error.ShouldBeNull();
    }

    [Theory]
    [InlineData("wifi_ssid", null, "is missing")]
    [InlineData("wifi_ssid", "\"\"", "1 to 32")]
    [InlineData("wifi_ssid", "\"123456789012345678901234567890123\"", "1 to 32")]
    [InlineData("wifi_ssid", "5", "text in quotes")]
    [InlineData("wifi_ssid", "null", "text in quotes")]
    [InlineData("wifi_password", "\"1234567\"", "8 to 63")]
    [InlineData("wifi_password", "\"g011223344556677889900112233445566778899001122334455667788990011\"", "64 hexadecimal")]
    [InlineData("wifi_password", "\"00112233445566778899001122334455667788990011223344556677889900112\"", "64 hexadecimal")]
    [InlineData("wifi_password", "12345678", "text in quotes")]
    [InlineData("host", null, "is missing")]
    [InlineData("host", "\"\"", "host name")]
    [InlineData("host", "\"a b\"", "host name")]
    [InlineData("host", "\"a..b\"", "host name")]
    [InlineData("host", "\".a\"", "host name")]
    [InlineData("host", "\"a.\"", "host name")]
    [InlineData("host", "\"-a\"", "host name")]
    [InlineData("host", "\"a-\"", "host name")]
    [InlineData("host", "\"a_b\"", "host name")]
    [InlineData("host", "\"mqtt://a\"", "host name")]
    [InlineData("host", "\"a:1883\"", "host name")]
    [InlineData("host", "\"::1\"", "host name")]
    [InlineData("host", "\"1.2.3\"", "IPv4")]
    [InlineData("host", "\"1.2.3.4.5\"", "IPv4")]
    [InlineData("host", "\"1.2.3.256\"", "IPv4")]
    [InlineData("host", "\"1.2.3.04\"", "IPv4")]
    [InlineData("host", "\"a.b.c.1\"", "IPv4")]
    [InlineData("port", "0", "1 to 65535")]
    [InlineData("port", "-1", "1 to 65535")]
    [InlineData("port", "65536", "1 to 65535")]
    [InlineData("port", "999999999999999999", "1 to 65535")]
    [InlineData("port", "\"1883\"", "a number")]
    [InlineData("tls", "\"true\"", "true or false")]
    [InlineData("tls", "1", "true or false")]
    [InlineData("tls", "null", "true or false")]
    [InlineData("device_id", null, "is missing")]
    [InlineData("device_id", "\"\"", "1 to 64")]
    [InlineData("device_id", "\"a/b\"", "1 to 64")]
    [InlineData("device_id", "\"a b\"", "1 to 64")]
    [InlineData("device_id", "\"a|b\"", "1 to 64")]
    [InlineData("key", null, "is missing")]
    [InlineData("key", "\"\"", "64 lowercase")]
    [InlineData("key", "\"00112233445566778899AABBCCDDEEFF0123456789abcdef0123456789abcdef\"", "64 lowercase")]
    [InlineData("key", "\"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcde\"", "64 lowercase")]
    [InlineData("key", "false", "text in quotes")]
    [InlineData("bolt_pin", "-1", "0 to 39")]
    [InlineData("bolt_pin", "40", "0 to 39")]
    [InlineData("bolt_pin", "\"4\"", "null when nothing is wired")]
    [InlineData("bolt_pin", "false", "null when nothing is wired")]
    [InlineData("bolt_pin", "32", "set-up port")]
    [InlineData("bolt_pin", "26", "26 and 27 blink")]
    [InlineData("bolt_pin", "27", "26 and 27 blink")]
    [InlineData("button_pin", "26", "the same pin as locked_light_pin")]
    [InlineData("battery_pin", "27", "the same pin as unlocked_light_pin")]
    [InlineData("unlocked_light_pin", "26", "the same pin as locked_light_pin")]
    [InlineData("colour", "1", "no such setting")]
    [InlineData("Host", "\"h\"", "no such setting")]
    public void Refuses_and_says_which_member_breaks_which_rule(string name, string? value, string rule)
    {
        SettingsReader.Read(Sample.With(name, value).Bytes(), out var error).ShouldBeNull();
        error.ShouldStartWith(name + ": ");
        error.ShouldContain(rule);
    }

    [Fact]
    public void A_pin_is_one_that_the_board_can_use()
    {
        int[] lights = [2, 4, 5, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 25, 26, 27];
        int[] bolts = [.. lights.Except([5, 14, 15])];
        Usable("locked_light_pin").ShouldBe([.. lights.Except([27])]);
        Usable("unlocked_light_pin").ShouldBe([.. lights.Except([26])]);
        Usable("bolt_pin").ShouldBe([.. bolts.Except([26, 27])]);
        Usable("button_pin").ShouldBe([.. lights.Except([26, 27])]);
        Usable("door_pin").ShouldBe([.. lights.Except([26, 27])]);
        Usable("battery_pin").ShouldBe([.. lights.Except([26, 27])]);

        static int[] Usable(string name) =>
            [.. Enumerable.Range(-2, 50).Where(pin => SettingsReader.Read(Sample.With(name, $"{pin}").Bytes(), out _) is not null)];
    }

    [Theory]
    [InlineData("", "nothing in it")]
    [InlineData("[]", "not one flat JSON object")]
    [InlineData("{\"key\":\"a\",\"key\":\"b\"}", "none twice")]
    [InlineData("{\"mqtt\":{\"username\":\"x\"}}", "not one flat JSON object")]
    [InlineData("{\"host\":\"žirafa\"}", "printable ASCII")]
    [InlineData("\ufeff{}", "printable ASCII")]
    [InlineData("{}", "wifi_ssid: is missing")]
    [InlineData("{\"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\":1}", "a long name: there is no such setting")]
    public void What_is_no_settings_object_is_refused_as_a_whole(string json, string said)
    {
        SettingsReader.Read(json.Bytes(), out var error).ShouldBeNull();
        error.ShouldContain(said);
    }

    [Fact]
    public void More_than_1024_bytes_are_refused()
    {
        SettingsReader.Read((Sample.Json + new string(' ', 1025)).Bytes(), out var error).ShouldBeNull();
        error.ShouldBe("it is longer than 1024 bytes");
        SettingsReader.Read(null, out error).ShouldBeNull();
        error.ShouldBe("there is nothing in it");
    }

    [Fact]
    public void What_is_written_is_read_back_whole_at_the_largest_too()
    {
        foreach (var settings in new[] { Sample.Settings(), Sample.Settings(Sample.FullJson), Sample.Largest })
        {
            var bytes = SettingsWriter.Write(settings);
            bytes.Length.ShouldBeLessThanOrEqualTo(FlatJsonReader.MaxBytes);
            var again = SettingsReader.Read(bytes, out var error);

            error.ShouldBeNull();
            again.ShouldBeEquivalentTo(settings);
        }
    }

    [Fact]
    public void Whatever_is_wrong_no_error_holds_a_secret()
    {
        // Secrets of every length, right ones and wrong ones, beside members that are bent in every way.
        var secret = Gen.Choose(5, 70).SelectMany(n => Gen.Elements("0123456789abcdefXYZ !~".ToCharArray()).ArrayOf(n)).Select(c => "S" + new string(c));
        var bend = Gen.Elements("", "\"colour\":1,", "\"tls\":7,", "\"bolt_pin\":6,", "\"host\":\"\",", "\"key\":1,", "{", "\"host\":\"h\",\"device_id\":\"\",");
        var tries = from key in secret from password in secret from b in bend select (key, password, b);

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll(tries.ToArbitrary(), t =>
        {
            var json = "{" + t.b + $$""" "wifi_ssid":"x","wifi_password":"{{t.password}}","key":"{{t.key}}"}""";
            var settings = SettingsReader.Read(json.Bytes(), out var error);
            return settings is null && !error.Contains(t.key) && !error.Contains(t.password);
        }));
    }

    [Fact]
    public void Any_bytes_give_settings_or_an_error_and_settings_are_always_ones_that_it_takes_again()
    {
        var full = Sample.FullJson.Bytes();
        for (var at = 0; at < full.Length; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                var bent = full.ToArray();
                bent[at] = (byte)value;
                var settings = SettingsReader.Read(bent, out var error);
                (settings is null).ShouldBe(error is not null);
                if (settings is not null)
                {
                    SettingsReader.Read(SettingsWriter.Write(settings), out _).Text().ShouldBe(settings.Text());
                }
            }
        }
    }
}
