using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SmartLock.Server.Infrastructure;

/// <summary>RFC 3339: written in UTC with milliseconds, read with any offset but never without one.</summary>
internal sealed class TimestampConverter : JsonConverter<DateTimeOffset>
{
    private const string Written = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private static readonly string[] Readable =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz",
    ];

    public static string Format(DateTimeOffset value) => value.UtcDateTime.ToString(Written, CultureInfo.InvariantCulture);

    public static bool TryParse(string? text, out DateTimeOffset value) =>
        DateTimeOffset.TryParseExact(text, Readable, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out value);

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.GetString(), out var value)
            ? value
            : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Format(value));
}
