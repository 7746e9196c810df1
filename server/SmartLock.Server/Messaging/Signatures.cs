using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Messaging;

/// <summary>
/// The device protocol's signatures: HMAC-SHA256, lowercase hex, over one line of fields between bars. A MAC, not a public-key
/// signature: whoever holds the device's key can make one.
/// </summary>
internal static class Signatures
{
    public const int HexLength = 64;

    /// <summary>Longest line that is signed: nine fields, the longest of 64 bytes.</summary>
    public const int MaxLineBytes = 512;

    /// <summary>The device's MQTT password: what it can prove its key with to a broker without giving the key away.</summary>
    public static string MqttPassword(byte[] key, string deviceId) => Sign(key, $"v1|mqtt|{deviceId}");

    /// <exception cref="ArgumentException">A field holds a bar, which would let one message be read as another.</exception>
    public static string Command(byte[] key, string deviceId, string command, string commandId, long issuedAt, long expiresAt)
    {
        RefuseBar(deviceId);
        RefuseBar(command);
        RefuseBar(commandId);
        return Sign(key, string.Create(null, $"v1|cmd|{deviceId}|{command}|{commandId}|{issuedAt}|{expiresAt}"));
    }

    /// <summary>Compares in fixed time; anything but 64 lowercase hex digits is wrong.</summary>
    public static bool Verify(ReadOnlySpan<byte> key, ReadOnlySpan<byte> line, ReadOnlySpan<byte> signatureHex)
    {
        if (signatureHex.Length != HexLength)
        {
            return false;
        }

        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, line, mac);
        Span<byte> expected = stackalloc byte[HexLength];
        Convert.TryToHexStringLower(mac, expected, out _);
        return CryptographicOperations.FixedTimeEquals(expected, signatureHex);
    }

    private static string Sign(byte[] key, string line) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(line)));

    private static void RefuseBar(string field)
    {
        if (field.Contains('|', StringComparison.Ordinal))
        {
            throw new ArgumentException("A field with a bar cannot be signed.", nameof(field));
        }
    }
}

/// <summary>Builds a line to be signed in a caller's buffer, field by field, without allocating.</summary>
internal ref struct SigningLine(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private int _length;
    private bool _broken;

    /// <summary>False when a field held a bar or the line grew too long: such a line proves nothing.</summary>
    public readonly bool IsValid => !_broken;

    public readonly ReadOnlySpan<byte> Bytes => _buffer[.._length];

    public void Begin(scoped ReadOnlySpan<byte> prefix) => Append(prefix);

    public void Add(scoped ReadOnlySpan<byte> field)
    {
        if (field.Contains((byte)'|'))
        {
            _broken = true;
            return;
        }

        Append("|"u8);
        Append(field);
    }

    /// <summary>Nothing between the bars when null.</summary>
    public void Add(long? field)
    {
        Append("|"u8);
        if (field is not { } number)
        {
            return;
        }

        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var written);
        Append(digits[..written]);
    }

    private void Append(scoped ReadOnlySpan<byte> bytes)
    {
        if (_broken || !bytes.TryCopyTo(_buffer[_length..]))
        {
            _broken = true;
            return;
        }

        _length += bytes.Length;
    }
}
