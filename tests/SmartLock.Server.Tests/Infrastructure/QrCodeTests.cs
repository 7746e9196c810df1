using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class QrCodeTests
{
    private const string Text = "smartlock://pair?v=1&server=https%3A%2F%2Flocks.example.org&device_id=ESP32-7C9EBD&code=7K2M-9QXA-HT4D-0VBW";

    [Theory]
    [InlineData("A")]
    [InlineData(Text)]
    public void The_SVG_document_draws_the_texts_QR_code(string text) => QrModules.InSvg(QrCode.SvgOf(text)).ShouldBe(QrModules.Of(text));

    [Theory]
    [InlineData("A")]
    [InlineData(Text)]
    public void The_terminal_shows_the_texts_QR_code(string text) => QrModules.InTerminal(QrCode.TerminalTextOf(text)).ShouldBe(QrModules.Of(text));

    [Fact]
    public void Texts_that_differ_in_one_character_have_different_codes() =>
        QrModules.InSvg(QrCode.SvgOf(Text)).ShouldNotBe(QrModules.InSvg(QrCode.SvgOf(Text[..^1] + "X")));

    [Fact]
    public void The_code_has_a_quiet_zone_of_four_modules_on_every_side()
    {
        var modules = QrModules.InSvg(QrCode.SvgOf(Text));

        foreach (var row in modules[..4].Concat(modules[^4..]).Concat(modules.Select(row => row[..4] + row[^4..])))
        {
            row.ShouldNotContain('#');
        }
    }
}
