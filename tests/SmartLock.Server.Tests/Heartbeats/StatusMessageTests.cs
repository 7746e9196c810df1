using System.Text;
using FsCheck;
using FsCheck.Fluent;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Heartbeats;

public sealed class StatusMessageTests
{
    private const string Full =
        """{"device_id":"ESP32-7C9EBD","status":"Unlocked","issue":null,"sent_at":1763690400180,"connected_at":1763690000000,"boot":"9f2c4b1a00d7e368","command_id":"01JDX","result":"done","firmware":"1.0.0","uptime_s":86400,"rssi":-61,"battery_mv":null,"topics":"own","signature":"ab"}""";

    [Fact]
    public void The_full_form_is_read_whole()
    {
        Read(Full, out var read).ShouldBeTrue();

        read.ShouldBe(new Seen("ESP32-7C9EBD", LockStatus.Unlocked, "", 1763690400180, 1763690000000, "01JDX", "done", "1.0.0", 86400, -61, null, true, "9f2c4b1a00d7e368", false));
    }

    [Theory]
    [InlineData("""{"device_id":"A","status":"Locked"}""", LockStatus.Locked)]
    [InlineData("""{"device":"A","status":"Online","state":"Unlocked"}""", LockStatus.Unlocked)]
    [InlineData("""{"device":"A","status":"Locked","state":"Locked"}""", LockStatus.Locked)]
    [InlineData("""{"device":"A","status":"Booted"}""", LockStatus.Unknown)]
    [InlineData("""{"device_id":"A","status":"Unknown"}""", LockStatus.Unknown)]
    [InlineData("""  {"device_id":"A","status":"Locked","colour":"red","n":1,"b":true,"z":null}  """, LockStatus.Locked)]
    internal void Smaller_forms_are_statuses_too(string json, LockStatus expected)
    {
        Read(json, out var read).ShouldBeTrue();

        read!.Status.ShouldBe(expected);
        read.IsWill.ShouldBeFalse();
    }

    [Fact]
    public void A_will_is_known_by_its_state_and_its_missing_status()
    {
        Read("""{"device_id":"A","state":"Unavailable","issue":"Connection lost","connected_at":5,"signature":"00"}""", out var read).ShouldBeTrue();

        read!.IsWill.ShouldBeTrue();
        read.ConnectedAt.ShouldBe(5);
    }

    [Fact]
    public void Escapes_in_names_are_undone()
    {
        Read("""{"\u0064\u0065\u0076\u0069\u0063\u0065\u005f\u0069\u0064":"A","st\u0061tus":"Locked","r\u0073si":-61}""", out var read).ShouldBeTrue();

        (read!.DeviceId, read.Status, read.Rssi).ShouldBe(("A", LockStatus.Locked, -61));
    }

    [Fact]
    public void A_name_is_the_same_with_escapes_and_without()
    {
        Read("""{"device_id":"A","status":"Locked","st\u0061tus":"Unlocked"}""", out _).ShouldBeFalse();
    }

    [Fact]
    public void A_name_of_escapes_that_is_longer_than_any_known_is_passed_over()
    {
        var name = string.Concat(Enumerable.Repeat("\\u0061", 13));

        Read($$"""{"device_id":"A","status":"Locked","{{name}}":1}""", out _).ShouldBeTrue();
    }

    [Fact]
    public void Escapes_are_undone()
    {
        Read("""{"device_id":"\u0041","status":"Lo\u0063ked","issue":"a\"b"}""", out var read).ShouldBeTrue();

        read!.DeviceId.ShouldBe("A");
        read.Status.ShouldBe(LockStatus.Locked);
        read.Issue.ShouldBe("a\"b");
    }

    [Theory]
    [InlineData("""{"device_id":"A","status":"Locked","battery_mv":3700.5,"rssi":-61,"uptime_s":5}""", -61, null, 5L)]
    [InlineData("""{"device_id":"A","status":"Locked","battery_mv":3700,"rssi":"-61 dBm","uptime_s":5}""", null, 3700, 5L)]
    [InlineData("""{"device_id":"A","status":"Locked","battery_mv":3700,"rssi":99999999999,"uptime_s":-1}""", null, 3700, null)]
    [InlineData("""{"device_id":"A","status":"Locked","battery_mv":{"v":3.7},"rssi":[-61],"uptime_s":1e99}""", null, null, null)]
    [InlineData("""{"device_id":"A","status":"Locked","battery_mv":true,"rssi":-61,"uptime_s":"\ud800"}""", -61, null, null)]
    public void A_bad_measurement_costs_that_measurement_only(string json, int? rssi, int? batteryMv, long? uptimeS)
    {
        Read(json, out var read).ShouldBeTrue();

        (read!.Status, read.Rssi, read.BatteryMv, read.UptimeS).ShouldBe((LockStatus.Locked, rssi, batteryMv, uptimeS));
    }

    [Theory]
    [InlineData("""{"device_id":"A","status":"Locked","nested":{"a":[1,{"status":"Unlocked"}]}}""")]
    [InlineData("""{"nested":{"device_id":"B"},"device_id":"A","status":"Locked","list":[1,2.5,null]}""")]
    [InlineData("""{"device_id":"A","x":"\u202e","status":"Locked","y":1e400}""")]
    public void Unknown_members_may_be_of_any_kind(string json)
    {
        Read(json, out var read).ShouldBeTrue();

        (read!.DeviceId, read.Status).ShouldBe(("A", LockStatus.Locked));
    }

    [Theory]
    [InlineData("\"Jammed\"", "Jammed")]
    [InlineData("null", "")]
    [InlineData("\"\"", "")]
    [InlineData("\"\\u202egnihton\"", "Unreadable issue")]
    [InlineData("\"\\u001b[2Jcleared\"", "Unreadable issue")]
    [InlineData("\"t\u00fcr\"", "Unreadable issue")]
    [InlineData("\"a\\u0000b\"", "Unreadable issue")]
    [InlineData("\"\\ud800\"", "Unreadable issue")]
    [InlineData("\"0123456789012345678901234567890123456789012345678901234567890123456789\"", "Unreadable issue")]
    [InlineData("7", "Unreadable issue")]
    [InlineData("{}", "Unreadable issue")]
    public void An_issue_is_printable_ASCII_or_shown_as_unreadable(string issue, string expected)
    {
        Read($$"""{"device_id":"A","status":"Locked","issue":{{issue}}}""", out var read).ShouldBeTrue();

        read!.Issue.ShouldBe(expected);
    }

    [Theory]
    [InlineData("\"1.0.0-rc1\"", "1.0.0-rc1")]
    [InlineData("\"1.0\\u202e\"", "")]
    [InlineData("\"1.0\\u001b[2J\"", "")]
    [InlineData("\"0123456789012345678901234567890123456789012345678901234567890123456789\"", "")]
    [InlineData("1", "")]
    public void Firmware_is_printable_ASCII_or_left_out(string firmware, string expected)
    {
        Read($$"""{"device_id":"A","status":"Locked","firmware":{{firmware}}}""", out var read).ShouldBeTrue();

        read!.Firmware.ShouldBe(expected);
    }

    [Theory]
    [InlineData("\"9f2c4b1a00d7e368\"", "9f2c4b1a00d7e368")]
    [InlineData("\"9F2C4B1A00D7E368\"", "")]
    [InlineData("\"9f2c\"", "")]
    [InlineData("16", "")]
    public void A_boot_is_16_hexadecimal_digits_or_none(string boot, string expected)
    {
        Read($$"""{"device_id":"A","status":"Locked","boot":{{boot}}}""", out var read).ShouldBeTrue();

        read!.Boot.ShouldBe(expected);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"device_id":"A"}""")]
    [InlineData("""{"status":"Locked"}""")]
    [InlineData("""{"device_id":"","status":"Locked"}""")]
    [InlineData("""{"device_id":null,"status":"Locked"}""")]
    [InlineData("""{"device_id":7,"status":"Locked"}""")]
    [InlineData("""{"device_id":"A","status":true}""")]
    [InlineData("""{"device_id":"A","status":"Locked","status":"Unlocked"}""")]
    [InlineData("""{"device_id":"A","device":"B","status":"Locked"}""")]
    [InlineData("""{"device_id":"A","status":"Locked","sent_at":"5"}""")]
    [InlineData("""{"device_id":"A","status":"Locked","sent_at":-5}""")]
    [InlineData("""{"device_id":"A","status":"Locked","sent_at":1.5}""")]
    [InlineData("""{"device_id":"A","status":"Locked","sent_at":99999999999999999999}""")]
    [InlineData("""{"device_id":"A","status":"Locked"} {"device_id":"A"}""")]
    [InlineData("""{"device_id":"A","status":"Locked",}""")]
    [InlineData("""{"device_id":"A","status":"Locked"/*c*/}""")]
    [InlineData("""{"device_id":"0123456789012345678901234567890123456789012345678901234567890123456789","status":"Locked"}""")]
    public void Anything_else_is_refused(string json) => Read(json, out _).ShouldBeFalse();

    [Fact]
    public void A_payload_over_the_limit_is_refused_before_it_is_read()
    {
        var json = """{"device_id":"A","status":"Locked"}""".PadRight(StatusMessage.MaxPayloadBytes + 1);

        Read(json, out _).ShouldBeFalse();
        Read(json[..StatusMessage.MaxPayloadBytes], out _).ShouldBeTrue();
    }

    [Fact]
    public void No_byte_changed_anywhere_makes_it_throw()
    {
        var original = Encoding.UTF8.GetBytes(Full);
        for (var at = 0; at < original.Length; at++)
        {
            for (var value = 0; value <= byte.MaxValue; value++)
            {
                var changed = (byte[])original.Clone();
                changed[at] = (byte)value;
                Parse(changed);
            }
        }
    }

    [Fact]
    public void Random_bytes_never_throw() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => Parse(bytes) || true).QuickCheckThrowOnFailure();

    /// <summary>Whoever parses has found the device before.</summary>
    private static bool Parse(byte[] payload)
    {
        var isFound = StatusMessage.TryFindDevice(payload, new byte[StatusMessage.MaxPayloadBytes], out _);
        var isParsed = StatusMessage.TryParse(payload, new byte[StatusMessage.MaxPayloadBytes], out _);
        (isFound || !isParsed).ShouldBeTrue();
        return isParsed;
    }

    private static bool Read(string json, out Seen? seen)
    {
        seen = null;
        Span<byte> scratch = stackalloc byte[StatusMessage.MaxPayloadBytes];
        if (!StatusMessage.TryParse(Encoding.UTF8.GetBytes(json), scratch, out var m))
        {
            return false;
        }

        seen = new Seen(
            Text(m.DeviceId),
            m.Status,
            Text(m.Issue),
            m.SentAt,
            m.ConnectedAt,
            Text(m.CommandId),
            Text(m.Result),
            Text(m.Firmware),
            m.UptimeS,
            m.Rssi,
            m.BatteryMv,
            m.OwnTopics,
            Text(m.Boot),
            m.IsWill);
        return true;
    }

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);

    internal sealed record Seen(
        string DeviceId,
        LockStatus Status,
        string Issue,
        long? SentAt,
        long? ConnectedAt,
        string CommandId,
        string Result,
        string Firmware,
        long? UptimeS,
        int? Rssi,
        int? BatteryMv,
        bool? OwnTopics,
        string Boot,
        bool IsWill);
}
