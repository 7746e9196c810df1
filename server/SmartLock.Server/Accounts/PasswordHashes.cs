using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;

namespace SmartLock.Server.Accounts;

internal enum PasswordHashKind
{
    /// <summary>ASP.NET Core Identity's.</summary>
    Pbkdf2,

    /// <summary><c>$2a$</c>, <c>$2b$</c> or <c>$2y$</c>.</summary>
    BCrypt,
}

/// <summary>Stored password hashes, looked at before anything is computed from them.</summary>
internal static partial class PasswordHashes
{
    /// <summary>BCrypt's; each step doubles the work, and at 14 one check takes about a second.</summary>
    public const int LowestCost = 10;

    public const int HighestCost = 14;

    /// <summary>PBKDF2's.</summary>
    public const int MostIterations = 10_000_000;

    public static bool IsBCrypt(string hash) => hash.StartsWith("$2", StringComparison.Ordinal);

    /// <summary>The cost of a hash that <see cref="WhyUnreadable"/> found no fault with.</summary>
    public static int CostOf(string hash) => int.Parse(hash.AsSpan(4, 2), CultureInfo.InvariantCulture);

    /// <summary>What keeps this server from checking a password against the hash, in words for the log; null when nothing does.</summary>
    public static string? WhyUnreadable(string hash)
    {
        if (!IsBCrypt(hash))
        {
            return WhyNotPbkdf2(hash);
        }

        if (!BCryptHash().IsMatch(hash))
        {
            return "begins like one of BCrypt and is none";
        }

        // Of the lower ones there is nothing to fear; one of 31 would keep a processor busy for days.
        return CostOf(hash) is < 4 or > HighestCost ? $"is of BCrypt with a cost outside 4 to {HighestCost}" : null;
    }

    private static string? WhyNotPbkdf2(string hash)
    {
        const string Unknown = "is of no known kind";
        var bytes = new byte[hash.Length];
        if (hash.Length == 0 || !Convert.TryFromBase64String(hash, bytes, out var length) || length == 0)
        {
            return Unknown;
        }

        // Identity's formats: 0 has no settings; 1 is followed by the function and the rounds, four bytes each, and more.
        return bytes[0] switch
        {
            0 => null,
            1 when length < 13 => Unknown,
            1 => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(5)) > MostIterations ? $"asks for more than {MostIterations} rounds" : null,
            _ => Unknown,
        };
    }

    [GeneratedRegex(@"^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}\z", RegexOptions.CultureInvariant)]
    private static partial Regex BCryptHash();
}
