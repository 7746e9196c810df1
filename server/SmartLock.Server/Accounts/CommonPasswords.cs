using System.Collections.Frozen;

namespace SmartLock.Server.Accounts;

/// <summary>
/// The passwords that guessers try first. They are read when the first password is checked. The list is plain ASCII in lower case, so that no
/// Unicode normalisation can turn another password into one of them.
/// </summary>
internal static class CommonPasswords
{
    /// <summary>A year, or a few digits and an exclamation mark: what people add to a password that is too short.</summary>
    private const int LongestSuffix = 4;

    private static readonly Lazy<FrozenSet<string>> Listed = new(Read);

    /// <summary>Whether the password is on the list, or is one from the list with up to four digits or punctuation characters behind it.</summary>
    public static bool Contains(string password)
    {
        var listed = Listed.Value.GetAlternateLookup<ReadOnlySpan<char>>();
        var rest = password.ToLowerInvariant().AsSpan();
        for (var removed = 0; removed <= LongestSuffix && !rest.IsEmpty; removed++)
        {
            if (listed.Contains(rest))
            {
                return true;
            }

            if (char.IsLetter(rest[^1]))
            {
                return false;
            }

            rest = rest[..^1];
        }

        return false;
    }

    private static FrozenSet<string> Read()
    {
        const string Resource = "common-passwords.txt";
        using var stream = typeof(CommonPasswords).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The resource {Resource} is not in the assembly.");
        using var reader = new StreamReader(stream);
        var passwords = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#'))
            {
                passwords.Add(line);
            }
        }

        return passwords.ToFrozenSet(StringComparer.Ordinal);
    }
}
