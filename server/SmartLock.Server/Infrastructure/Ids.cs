using System.Buffers.Binary;
using System.Security.Cryptography;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// ULIDs (https://github.com/ulid/spec): 26 characters of Crockford base 32, 48 bits of Unix milliseconds followed by 80
/// random bits, so that ids sort by the time they were made.
/// </summary>
internal static class Ids
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Length = 26;

    public static string NewUlid(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, now.ToUnixTimeMilliseconds() << 16);
        RandomNumberGenerator.Fill(bytes[6..]);
        return string.Create(Length, new UInt128(
            BinaryPrimitives.ReadUInt64BigEndian(bytes),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[8..])), static (text, value) =>
        {
            for (var i = Length - 1; i >= 0; i--)
            {
                text[i] = Alphabet[(int)(value & 31)];
                value >>= 5;
            }
        });
    }

    public static bool IsUlid(string? text) =>
        text is { Length: Length } && text[0] <= '7' && text.All(Alphabet.Contains);
}
