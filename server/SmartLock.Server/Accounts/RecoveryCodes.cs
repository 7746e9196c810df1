using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Accounts;

/// <summary>
/// Stand in for a lost second factor, once each. 80 random bits, so that a fast hash keeps them well; in Crockford's base 32, so that what
/// is misread is read rightly all the same.
/// </summary>
internal static class RecoveryCodes
{
    public const int Count = 10;

    private const int Characters = 16;
    private const int GroupLength = 4;
    private const int MaxTypedLength = 64;
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    public static IReadOnlyList<string> NewSet() => [.. Enumerable.Range(0, Count).Select(_ => New())];

    /// <summary>What is stored of it; null for a text that no code has. Case, dashes and blanks do not matter.</summary>
    public static byte[]? HashOf(string typed)
    {
        if (typed.Length > MaxTypedLength)
        {
            return null;
        }

        var code = new StringBuilder(Characters);
        foreach (var character in typed.Where(c => c is not ('-' or ' ')))
        {
            code.Append(char.ToUpperInvariant(character) switch
            {
                'O' => '0',
                'I' or 'L' => '1',
                var other => other,
            });
        }

        var text = code.ToString();
        return text.Length == Characters && text.All(Alphabet.Contains) ? SHA256.HashData(Encoding.ASCII.GetBytes(text)) : null;
    }

    private static string New() => string.Join('-', RandomNumberGenerator.GetString(Alphabet, Characters).Chunk(GroupLength).Select(g => new string(g)));
}
