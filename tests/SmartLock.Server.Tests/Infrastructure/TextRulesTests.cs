using System.Text;
using FsCheck;
using FsCheck.Fluent;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class TextRulesTests
{
    private const int Max = 20;

    [Theory]
    [InlineData("Front door")]
    [InlineData("Haustür")]
    [InlineData("玄関")]
    [InlineData("الباب الأمامي")]
    [InlineData("می\u200Cخواهم")]
    [InlineData("👩\u200D👩\u200D👧")]
    [InlineData("12345678901234567890")]
    [InlineData("🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒🔒")]
    public void Text_in_any_script_is_good(string text) => TextRules.Check(text, Max).ShouldBeNull();

    [Theory]
    [InlineData(null, "is required")]
    [InlineData("", "is required")]
    [InlineData(" \t\u00A0\u3000", "is required")]
    [InlineData("123456789012345678901", "is longer than 20 characters")]
    [InlineData("a\0b", "holds the invisible character U+0000")]
    [InlineData("a\nb", "holds the invisible character U+000A")]
    [InlineData("a\u001bb", "holds the invisible character U+001B")]
    [InlineData("a\u0085b", "holds the invisible character U+0085")]
    [InlineData("a\u2028b", "holds the invisible character U+2028")]
    [InlineData("a\u200Bb", "holds the invisible character U+200B")]
    [InlineData("a\uFEFFb", "holds the invisible character U+FEFF")]
    [InlineData("a\u202Eb", "holds the invisible character U+202E")]
    [InlineData("a\u2066b", "holds the invisible character U+2066")]
    [InlineData("a\u061Cb", "holds the invisible character U+061C")]
    public void Other_text_is_refused_with_its_reason(string? text, string reason) => TextRules.Check(text, Max).ShouldBe(reason);

    /// <summary>Attributes cannot carry half a pair.</summary>
    [Fact]
    public void Half_a_surrogate_pair_is_refused_wherever_it_stands()
    {
        string[] halves = ["\ud83d", "\udd12"];
        foreach (var half in halves)
        {
            TextRules.Check(half, Max).ShouldBe("holds half of a surrogate pair");
            TextRules.Check($"a{half}", Max).ShouldBe("holds half of a surrogate pair");
            TextRules.Check($"{half}a", Max).ShouldBe("holds half of a surrogate pair");
        }
    }

    [Fact]
    public void What_is_passed_survives_utf8_and_shows_no_control_character()
    {
        var text = Gen.Choose(0, char.MaxValue).Select(c => (char)c).ArrayOf().Select(c => new string(c));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(text.ToArbitrary(), value =>
            TextRules.Check(value, Max) is not null
            || (Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(value)) == value
                && value.EnumerateRunes().Count() <= Max
                && !value.Any(char.IsControl)
                && value.Any(c => !char.IsWhiteSpace(c)))));
    }
}
