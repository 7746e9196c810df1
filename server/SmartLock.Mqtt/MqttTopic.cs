using System.Buffers;
using System.Text;

namespace SmartLock.Mqtt;

/// <summary>Topic names (MQTT 5.0 section 4.7), on UTF-8 as they travel.</summary>
public static class MqttTopic
{
    public const int MaximumLength = ushort.MaxValue;

    private static readonly SearchValues<byte> Forbidden = SearchValues.Create("\0+#"u8);

    /// <summary>Not empty, well-formed UTF-8, no U+0000, no wildcard.</summary>
    public static bool IsValidName(ReadOnlySpan<byte> topic)
    {
        return topic.Length is > 0 and <= MaximumLength && !topic.ContainsAny(Forbidden) && MqttUtf8.IsWellFormed(topic);
    }

    public static bool IsValidName(string topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        return MqttUtf8.TryGetByteCount(topic, out var length)
            && length is > 0 and <= MaximumLength
            && topic.AsSpan().IndexOfAny('\0', '+', '#') < 0;
    }

    internal static bool ContainsWildcard(ReadOnlySpan<byte> topic) => topic.IndexOfAny((byte)'+', (byte)'#') >= 0;
}

internal static class MqttUtf8
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static bool IsWellFormed(ReadOnlySpan<byte> text) => System.Text.Unicode.Utf8.IsValid(text);

    /// <summary>False when the text holds a lone surrogate, which has no UTF-8 form.</summary>
    public static bool TryGetByteCount(string text, out int length)
    {
        length = 0;
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var consumed) != OperationStatus.Done)
            {
                return false;
            }

            length += rune.Utf8SequenceLength;
            rest = rest[consumed..];
        }

        return true;
    }

    /// <exception cref="EncoderFallbackException">A lone surrogate.</exception>
    public static int GetByteCount(string text) => Strict.GetByteCount(text);

    public static int GetBytes(string text, Span<byte> target) => Strict.GetBytes(text, target);

    public static byte[] GetBytes(string text) => Strict.GetBytes(text);

    public static string GetString(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}
