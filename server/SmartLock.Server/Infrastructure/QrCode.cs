using QRCoder;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// QR codes of texts that hold a secret. They go where the text itself goes and nowhere else: into the answer that shows it once, and to the
/// operator's terminal.
/// </summary>
internal static class QrCode
{
    private const string WhiteOnBlack = "\e[97;40m";
    private const string Reset = "\e[0m";

    /// <summary>Of level M a code is still read when 15 % of it is smudged or torn.</summary>
    private const QRCodeGenerator.ECCLevel Correction = QRCodeGenerator.ECCLevel.M;

    /// <summary>One unit per module and no fixed size: it is scaled to whatever shows or prints it.</summary>
    public static string SvgOf(string text)
    {
        using var data = QRCodeGenerator.GenerateQrCode(text, Correction);
        using var svg = new SvgQRCode(data);
        return svg.GetGraphic(1, "#000", "#fff", drawQuietZones: true, SvgQRCode.SizingMode.ViewBoxAttribute);
    }

    /// <summary>
    /// Half blocks, two rows of modules to a line. The colours are set, since a reader that takes only dark modules on a light ground would
    /// otherwise depend on the terminal's own.
    /// </summary>
    public static string TerminalTextOf(string text)
    {
        using var data = QRCodeGenerator.GenerateQrCode(text, Correction);
        using var blocks = new AsciiQRCode(data);
        var lines = blocks.GetGraphicSmall(drawQuietZones: true).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return string.Join(Environment.NewLine, lines.Select(line => $"{WhiteOnBlack}{line.TrimEnd('\r')}{Reset}"));
    }
}
