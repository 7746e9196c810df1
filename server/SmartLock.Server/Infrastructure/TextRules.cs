using System.Buffers;
using System.Globalization;
using System.Text;

namespace SmartLock.Server.Infrastructure;

/// <summary>What text from outside must look like before it is stored and shown to other people.</summary>
internal static class TextRules
{
    private const int ZeroWidthNonJoiner = 0x200C;
    private const int ZeroWidthJoiner = 0x200D;

    /// <summary>Why <paramref name="value"/> is refused, or null. Lengths are in Unicode characters (code points).</summary>
    public static string? Check(string? value, int maxLength)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return "is required";
        }

        var length = 0;
        for (var i = 0; i < value.Length; length++)
        {
            if (Rune.DecodeFromUtf16(value.AsSpan(i), out var rune, out var units) != OperationStatus.Done)
            {
                return "holds half of a surrogate pair";
            }

            if (IsInvisible(rune))
            {
                return $"holds the invisible character U+{rune.Value:X4}";
            }

            i += units;
        }

        return length > maxLength ? $"is longer than {maxLength} characters" : null;
    }

    /// <summary>
    /// Control and format characters, bidirectional overrides among them, make text read as something it is not. The two
    /// joiners stay: Persian and emoji need them.
    /// </summary>
    private static bool IsInvisible(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Format => rune.Value is not (ZeroWidthNonJoiner or ZeroWidthJoiner),
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        _ => false,
    };
}
