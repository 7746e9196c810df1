using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.DataProtection;

namespace SmartLock.Server.Replicas;

/// <summary>One message on <c>smartlock/events</c>.</summary>
/// <param name="From">The sender's id, drawn at its start.</param>
/// <param name="Number">Counts the sender's messages, from 1.</param>
/// <param name="SentAt">Unix milliseconds by the sender's clock.</param>
internal sealed record InvalidationMessage(
    [property: JsonPropertyName("from")] string From,
    [property: JsonPropertyName("n")] long Number,
    [property: JsonPropertyName("at")] long SentAt,
    [property: JsonPropertyName("hints")] IReadOnlyList<CacheInvalidation> Invalidations);

/// <summary>
/// Encrypts and authenticates what travels over a broker that others use too: with the Data Protection keys, which all replicas share and nobody else
/// has. What they name stays between them, and nobody else can send them reading.
/// </summary>
internal sealed class InvalidationCodec(IDataProtectionProvider protection)
{
    // Names go as they are, not six bytes a letter: nothing but this reads it.
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly IDataProtector _protector = protection.CreateProtector("SmartLock.Replicas.Hints.v1");

    public byte[] Write(InvalidationMessage message) => _protector.Protect(JsonSerializer.SerializeToUtf8Bytes(message, Json));

    /// <summary>Null for what no replica wrote.</summary>
    public InvalidationMessage? Read(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize<InvalidationMessage>(_protector.Unprotect(payload.ToArray()), Json);
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            return null;
        }
    }
}
