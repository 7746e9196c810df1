using FsCheck;
using FsCheck.Fluent;
using SmartLock.Device.Tests.Rig;
using SmartLock.Device.Tests.Settings;

namespace SmartLock.Device.Tests.Setup;

/// <summary>Keys, lines, and what is not shown of them.</summary>
public sealed class TypingTests
{
    private const byte CtrlC = 3;
    private const byte Backspace = 8;
    private const byte Delete = 127;

    private readonly SetupRig _rig = new();

    [Theory]
    [InlineData("status\rstatus\r", 2)]
    [InlineData("status\nstatus\n", 2)]
    [InlineData("status\r\nstatus\r\n", 2)]
    [InlineData("status\n\rstatus\r\r\n", 2)]
    [InlineData("status", 0)]
    public void A_line_ends_with_cr_lf_or_both(string typed, int answers)
    {
        _rig.Press(typed.Bytes());
        (_rig.Output.Split("broker connected").Length - 1).ShouldBe(answers);
    }

    [Theory]
    [InlineData("\r", 1)]
    [InlineData("\n", 1)]
    [InlineData("\r\n", 1)]
    [InlineData("\n\r", 2)]
    [InlineData("\r\n\r\n", 2)]
    public void An_empty_line_asks_again(string typed, int prompts)
    {
        _rig.Press(typed.Bytes());
        _rig.Output.ShouldBe(string.Concat(Enumerable.Repeat("\r\n> ", prompts)));
    }

    [Theory]
    [InlineData(Backspace)]
    [InlineData(Delete)]
    public void Backspace_takes_back(byte key)
    {
        _rig.Press([key, .. "statxx"u8, key, key, .. "us\r"u8]);
        _rig.Output.ShouldStartWith("statxx\b \b\b \bus\r\nup 5 s");
    }

    [Fact]
    public void Ctrl_C_leaves_the_line_and_the_question()
    {
        _rig.Press([.. "set host x"u8, CtrlC]);
        _rig.Output.ShouldEndWith("cancelled\r\n> ");
        _rig.Type("set key");
        _rig.Press([.. "abc"u8, CtrlC]);
        _rig.Type("status").ShouldContain("broker connected");
        _rig.Type("show").ShouldNotContain("not saved");
    }

    [Theory]
    [InlineData(200, "\r\nhost: must be a host name")]
    [InlineData(201, "\r\ntoo long, nothing done")]
    [InlineData(100_000, "\r\ntoo long, nothing done")]
    public void A_line_has_at_most_200_characters(int length, string said)
    {
        var line = "set host ";
        var shown = _rig.Type(line + new string('h', length - line.Length));
        shown.ShouldContain(said);
        shown.Length.ShouldBeLessThan(300);
        _rig.Type("status").ShouldContain("broker connected");
    }

    [Theory]
    [InlineData("set wifi_ssid kuća")]
    [InlineData("set wifi_ssid\tHome")]
    [InlineData("set wifi_ssid a\u001b[A")]
    [InlineData("{\"wifi_ssid\":\"ž\"}")]
    public void What_is_not_printable_ascii_is_refused_with_its_whole_line(string line)
    {
        _rig.Type(line).ShouldEndWith("\r\nnothing done: a line can only hold printable ASCII and backspaces\r\n> ");
        _rig.Type("show").ShouldContain("wifi_ssid: not set");
    }

    [Theory]
    [InlineData("set host abc", "set host abc")]
    [InlineData("  set  host  abc", "  set  host  abc")]
    [InlineData("unset key", "unset key")]
    [InlineData("status", "status")]
    [InlineData("set key abc", "set key")]
    [InlineData("set  wifi_password   abc def", "set  wifi_password")]
    [InlineData("set kye abc", "set kye")]
    [InlineData("Set key abc", "Set")]
    [InlineData("key abc", "key")]
    [InlineData("{\"key\":\"abc\"}", "")]
    [InlineData("  \"key\": \"abc\",", "")]
    [InlineData("}", "")]
    public void Only_what_is_public_is_echoed(string typed, string shown)
    {
        _rig.Press(typed.Bytes());
        _rig.Screen.ShouldBe(shown);

        _rig.Press([.. Enumerable.Repeat(Backspace, typed.Length + 3)]);
        _rig.Screen.ShouldBe("");
    }

    [Fact]
    public void At_any_moment_the_screen_is_the_public_part_of_the_line()
    {
        var key = Gen.Frequency((12, Gen.Elements("set key host unset{\"x ".ToCharArray())), (3, Gen.Constant('\b')));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(key.ListOf().ToArbitrary(), keys =>
        {
            var rig = new SetupRig();
            var line = new List<char>();
            foreach (var k in keys.Take(LineEditor.MaxLength))
            {
                rig.Press((byte)k);
                if (k != '\b')
                {
                    line.Add(k);
                }
                else if (line.Count > 0)
                {
                    line.RemoveAt(line.Count - 1);
                }

                var typed = new string([.. line]);
                rig.Screen.ShouldBe(typed[..EchoRule.Visible([.. line], line.Count)].TrimEnd(' '));
            }

            return true;
        }));
    }

    [Fact]
    public void Whatever_is_typed_as_a_secret_is_never_shown()
    {
        // Capitals that nothing else here has: not one of them may come out, whatever is done before and after.
        var secret = Gen.Choose(1, 260).SelectMany(n => Gen.Elements("QXZ".ToCharArray()).ArrayOf(n)).Select(c => new string(c));
        var key = Gen.Elements("0123456789abcdef".ToCharArray()).ArrayOf(64).Select(c => new string(c));
        var secrets = from s in secret from k in key select (Secret: s, Key: k);
        var act = Gen.Choose(0, Acts - 1);
        var tries = from s in secrets.ArrayOf(4) from a in act.ListOf() select (s, a);

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1500), Prop.ForAll(tries.ToArbitrary(), t =>
        {
            var rig = new SetupRig();
            rig.Type("help");
            foreach (var (i, a) in t.a.Index())
            {
                var (s, k) = t.s[i % t.s.Length];
                var shown = rig.Type(Act(a, s, k));
                shown.IndexOfAny(['Q', 'X', 'Z']).ShouldBe(-1, shown);
                Enumerable.Range(0, k.Length - 7).Any(from => shown.Contains(k.Substring(from, 8), StringComparison.Ordinal)).ShouldBeFalse(shown);
            }

            return true;
        }));
    }

    [Fact]
    public void Any_bytes_at_all_are_taken_and_answered_in_plain_ascii()
    {
        var piece = Gen.Frequency(
            (10, Gen.Choose(0, 255).Select(b => new[] { (byte)b })),
            (10, Gen.Choose(32, 126).Select(b => new[] { (byte)b })),
            (6, Gen.Elements("\r", "\n", "\b", "\u0003").Select(s => s.Bytes())),
            (6, Gen.Elements("set ", "key", "forget\r", "paste\r", "save\r", "show\r", "unset ", "reboot\r", "host ", "help\r").Select(s => s.Bytes())),
            (2, Gen.Constant((Sample.FullJson + "\r").Bytes())),
            (1, Gen.Choose(0, 3000).Select(n => new string('{', n).Bytes())));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(piece.ListOf().ToArbitrary(), pieces =>
        {
            var rig = new SetupRig();
            foreach (var b in pieces.SelectMany(p => p))
            {
                rig.Clear();
                rig.Press(b);
                IsHarmless(rig.Output).ShouldBeTrue(rig.Output);
            }

            // Whatever was left open: two cancels and it listens again.
            rig.Press(CtrlC);
            rig.Type("status").ShouldContain("broker connected");
            return true;
        }));
    }

    private static bool IsHarmless(string output) =>
        output.Length < 1500
        && output.All(c => (c >= ' ' && c <= '~') || c == '\r' || c == '\n' || c == '\b')
        && !output.Contains(Sample.Password, StringComparison.Ordinal)
        && !output.Contains(Sample.Key, StringComparison.Ordinal);

    private const int Acts = 16;

    private static string[] Act(int act, string secret, string key) => act switch
    {
        0 => ["set wifi_password", secret],
        1 => ["set key", secret],
        2 => ["set key", key],
        3 => ["set wifi_password " + secret, ""],
        4 => ["set key " + key, ""],
        5 => [$$"""{"wifi_ssid":"home","wifi_password":"{{secret}}","host":"h","device_id":"d","key":"{{key}}"}"""],
        6 => ["paste", $$"""{"wifi_password":"{{secret}}","key":"{{key}}"}"""],
        7 => ["{", $"  \"wifi_password\": \"{secret}\",", $"  \"key\": \"{key}\"", "}"],
        8 => ["show"],
        9 => ["save", "show"],
        10 => ["set wifi_password", secret + "\b\b\bž"],
        11 => ["forget", "d"],
        12 => ["set wifi_ssid home", "set host h", "set device_id d"],
        13 => ["paste", secret],
        14 => ["status", "reboot"],
        15 => ["paste", $$"""{"wifi_password":{"{{secret}}":"{{key}}"} }"""],
        _ => throw new ArgumentOutOfRangeException(nameof(act)),
    };
}
