using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using QRCoder;

namespace SmartLock.Server.Tests.Infrastructure;

/// <summary>The modules of a QR code with its quiet zone, one text for each row: <c>#</c> is dark and <c>.</c> is light.</summary>
internal static partial class QrModules
{
    private const char Dark = '#';
    private const char Light = '.';

    /// <summary>What a code of the text looks like.</summary>
    public static string[] Of(string text)
    {
        using var data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.M);
        return [.. data.ModuleMatrix.Select(row => string.Concat(row.Cast<bool>().Select(dark => dark ? Dark : Light)))];
    }

    /// <summary>What an SVG document draws: a light square, and dark rectangles on it.</summary>
    public static string[] InSvg(string svg)
    {
        XNamespace ns = "http://www.w3.org/2000/svg";
        var root = XDocument.Parse(svg).Root!;
        root.Name.ShouldBe(ns + "svg");
        var size = Number(root.Attribute("viewBox")!.Value.Split(' ')[2]);
        var ground = root.Element(ns + "rect")!;
        ground.Attribute("fill")!.Value.ShouldBe("#fff");
        (Number(ground.Attribute("width")!.Value), Number(ground.Attribute("height")!.Value)).ShouldBe((size, size));
        var path = root.Element(ns + "path")!;
        path.Attribute("fill")!.Value.ShouldBe("#000");
        var drawn = path.Attribute("d")!.Value;
        var rectangles = Rectangle().Matches(drawn);
        string.Concat(rectangles.Select(r => r.Value)).ShouldBe(drawn, "the path has rectangles only");

        var rows = Enumerable.Range(0, size).Select(_ => Enumerable.Repeat(Light, size).ToArray()).ToArray();
        foreach (Match rectangle in rectangles)
        {
            var (x, y) = (Number(rectangle.Groups["x"].Value), Number(rectangle.Groups["y"].Value));
            for (var row = y; row < y + Number(rectangle.Groups["height"].Value); row++)
            {
                Array.Fill(rows[row], Dark, x, Number(rectangle.Groups["width"].Value));
            }
        }

        return [.. rows.Select(row => new string(row))];
    }

    /// <summary>What half blocks in white on black show: two rows of modules in each line, the second of which the last line may lack.</summary>
    public static string[] InTerminal(string text)
    {
        var rows = new List<string>();
        foreach (var line in text.Split(Environment.NewLine))
        {
            line.ShouldStartWith("\e[97;40m");
            line.ShouldEndWith("\e[0m");
            var blocks = line["\e[97;40m".Length..^"\e[0m".Length];
            blocks.ShouldAllBe(c => "█▀▄ ".Contains(c));
            rows.Add(string.Concat(blocks.Select(c => c is '█' or '▀' ? Light : Dark)));
            rows.Add(string.Concat(blocks.Select(c => c is '█' or '▄' ? Light : Dark)));
        }

        return [.. rows.Take(rows[0].Length)];
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"M(?<x>\d+) (?<y>\d+)h(?<width>\d+)v(?<height>\d+)h-\k<width>z", RegexOptions.CultureInvariant)]
    private static partial Regex Rectangle();
}
