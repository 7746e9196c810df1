using System.Text.RegularExpressions;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Deploy;

/// <summary>Which settings the server has, by its sources.</summary>
internal static class Settings
{
    private static readonly Lazy<IReadOnlyList<string>> Sources =
        new(() => [.. SourceTree.CSharpFiles("server/SmartLock.Server").Select(f => string.Join('\n', SourceTree.Lines(f)))]);

    /// <param name="variable">As in the environment: <c>Mqtt__Port</c>.</param>
    public static bool Exists(string variable)
    {
        var key = variable.Replace("__", ":", StringComparison.Ordinal);
        if (Sources.Value.Any(s => s.Contains($"\"{key}\"", StringComparison.Ordinal)))
        {
            return true;
        }

        var end = key.LastIndexOf(':');
        return end > 0 && Sources.Value.Any(s =>
            s.Contains($"string Section = \"{key[..end]}\"", StringComparison.Ordinal)
            && Regex.IsMatch(s, $@"public [\w?<>]+ {Regex.Escape(key[(end + 1)..])} {{ get;"));
    }
}
