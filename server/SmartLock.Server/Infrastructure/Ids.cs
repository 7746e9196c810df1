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
    private const int RandomBytes = 10;

    public static string NewUlid(DateTimeOffset now)
    {
        // The package's own randomness is an xorshift generator, whose next output can be computed from earlier ids.
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        return Ulid.NewUlid(now, random).ToString();
    }

    /// <summary>Only the form that <see cref="NewUlid"/> writes. <see cref="Ulid.TryParse(string, out Ulid)"/> takes any 26 characters.</summary>
    public static bool IsUlid(string? text) =>
        text is { Length: Length } && text[0] <= '7' && text.All(Alphabet.Contains);
}
