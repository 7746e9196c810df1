using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Locks;

/// <summary>
/// What proves, once, that somebody holds a device: 16 characters of Crockford base 32 (https://www.crockford.com/base32.html), 80 random
/// bits, in groups of four. With so many bits a plain hash is enough to keep.
/// </summary>
internal static class ClaimCode
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Length = 16;
    private const int GroupLength = 4;
    public const int MaxTypedLength = 64;
    public const string Rule = "must have 16 letters and digits, in groups of four if you like";

    public static string New() =>
        string.Join('-', RandomNumberGenerator.GetString(Alphabet, Length).Chunk(GroupLength).Select(group => new string(group)));

    /// <summary>
    /// The hash of a code as a person types it: without case, dashes and spaces anywhere, O for 0, I and L for 1. Null for what can be no code.
    /// </summary>
    public static byte[]? HashOf(string typed)
    {
        if (typed.Length > MaxTypedLength)
        {
            return null;
        }

        var plain = string.Concat(typed.Where(c => c is not ('-' or ' ')).Select(Read));
        return plain.Length == Length && plain.All(Alphabet.Contains) ? SHA256.HashData(Encoding.ASCII.GetBytes(plain)) : null;
    }

    private static char Read(char typed) => char.ToUpperInvariant(typed) switch
    {
        'O' => '0',
        'I' or 'L' => '1',
        var c => c,
    };
}
