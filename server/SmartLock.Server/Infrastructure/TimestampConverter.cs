using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SmartLock.Server.Infrastructure;

/// <summary>RFC 3339: written in UTC with milliseconds, read with any offset but never without one.</summary>
internal sealed class TimestampConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>yyyy-MM-ddTHH:mm:ss.fff; then Z.</summary>
    private const int BytesToMilliseconds = 23;

    /// <summary>What the round-trip format has of a UTC time.</summary>
    private const int RoundTripBytes = 28;

    private static readonly string[] Readable =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz",
    ];

    public static string Format(DateTimeOffset value) => Encoding.ASCII.GetString(Format(value, stackalloc byte[RoundTripBytes]));

    public static bool TryParse(string? text, out DateTimeOffset value) =>
        DateTimeOffset.TryParseExact(text, Readable, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out value);

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.GetString(), out var value)
            ? value
            : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Format(value, stackalloc byte[RoundTripBytes]));

    // The round-trip format and a cut: a format of one's own takes ten times as long, and a list of locks has a hundred times in it.
    private static ReadOnlySpan<byte> Format(DateTimeOffset value, Span<byte> buffer)
    {
        value.UtcDateTime.TryFormat(buffer, out _, "O", CultureInfo.InvariantCulture);
        buffer[BytesToMilliseconds] = (byte)'Z';
        return buffer[..(BytesToMilliseconds + 1)];
    }
}
