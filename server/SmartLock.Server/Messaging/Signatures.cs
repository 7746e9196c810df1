using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Messaging;

/// <summary>
/// The device protocol's signatures: HMAC-SHA256, lowercase hex, over a purpose and the message's own bytes up to its last member, which is the
/// signature. A MAC, not a public-key signature: whoever holds the device's key can make one.
/// </summary>
internal static class Signatures
{
    public const int HexLength = 64;

    /// <summary>Of a message of the device protocol.</summary>
    public const int MaxMessageBytes = 1024;

    private const int MaxPurposeBytes = 16;

    public static ReadOnlySpan<byte> ForCommand => "v2|cmd|"u8;

    public static ReadOnlySpan<byte> ForStatus => "v2|sts|"u8;

    public static ReadOnlySpan<byte> ForWill => "v2|will|"u8;

    private static ReadOnlySpan<byte> Tail => ",\"signature\":\""u8;

    private static ReadOnlySpan<byte> End => "\"}"u8;

    /// <summary>The device's MQTT password: what it can prove its key with to a broker without giving the key away.</summary>
    public static string MqttPassword(byte[] key, string deviceId) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"v1|mqtt|{deviceId}")));

    /// <summary>The whole message.</summary>
    /// <param name="members">One JSON object without its closing brace, of at most <see cref="MaxMessageBytes"/>.</param>
    public static byte[] Sign(ReadOnlySpan<byte> key, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> members)
    {
        var message = new byte[members.Length + Tail.Length + HexLength + End.Length];
        members.CopyTo(message);
        Tail.CopyTo(message.AsSpan(members.Length));
        WriteMac(key, purpose, members, message.AsSpan(members.Length + Tail.Length, HexLength));
        End.CopyTo(message.AsSpan(message.Length - End.Length));
        return message;
    }

    /// <summary>Whether the last member is a signature, right or wrong.</summary>
    public static bool HasSignature(ReadOnlySpan<byte> message) => TrySplit(message, out _, out _);

    /// <summary>Compares in fixed time; anything but 64 lowercase hex digits as the last member is wrong.</summary>
    public static bool Verify(ReadOnlySpan<byte> key, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> message)
    {
        if (!TrySplit(message, out var members, out var claimed))
        {
            return false;
        }

        Span<byte> expected = stackalloc byte[HexLength];
        WriteMac(key, purpose, members, expected);
        return CryptographicOperations.FixedTimeEquals(expected, claimed);
    }

    private static bool TrySplit(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> members, out ReadOnlySpan<byte> signatureHex)
    {
        var signed = message.Length - Tail.Length - HexLength - End.Length;
        if (signed <= 0 || message.Length > MaxMessageBytes || !message[signed..].StartsWith(Tail) || !message.EndsWith(End))
        {
            members = default;
            signatureHex = default;
            return false;
        }

        members = message[..signed];
        signatureHex = message.Slice(signed + Tail.Length, HexLength);
        return true;
    }

    private static void WriteMac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> members, Span<byte> hex)
    {
        Span<byte> data = stackalloc byte[MaxPurposeBytes + MaxMessageBytes];
        purpose.CopyTo(data);
        members.CopyTo(data[purpose.Length..]);
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, data[..(purpose.Length + members.Length)], mac);
        Convert.TryToHexStringLower(mac, hex, out _);
    }
}
