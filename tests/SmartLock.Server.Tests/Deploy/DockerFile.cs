using System.Text.Json;
using System.Text.RegularExpressions;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Deploy;

/// <summary>server/Dockerfile as its instructions, each on one line.</summary>
internal sealed partial class DockerFile
{
    private readonly List<(string Name, string Text)> _instructions;

    private DockerFile(List<(string Name, string Text)> instructions) => _instructions = instructions;

    public static DockerFile Read()
    {
        var text = File.ReadAllText(Path.Combine(SourceTree.Root, "server", "Dockerfile"));
        var lines = Continued().Replace(text, " ").Split('\n').Where(l => l.Length > 0 && !l.StartsWith('#'));
        return new DockerFile([.. lines.Select(l => l.Split(' ', 2)).Select(p => (p[0], p[1].Trim()))]);
    }

    public IReadOnlyList<string> All(string instruction) => [.. _instructions.Where(i => i.Name == instruction).Select(i => i.Text)];

    /// <summary>The last one: what counts for the image.</summary>
    public string Last(string instruction) => All(instruction)[^1];

    /// <summary>The words of an instruction in exec form.</summary>
    public string[] Words(string instruction)
    {
        var text = Last(instruction);
        return JsonSerializer.Deserialize<string[]>(text[text.IndexOf('[', StringComparison.Ordinal)..])!;
    }

    public IReadOnlyDictionary<string, string> Environment => All("ENV")
        .SelectMany(e => Assignment().Matches(e))
        .ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value.Trim('"'));

    /// <summary>What is copied out of the repository.</summary>
    public IReadOnlyList<string> Sources =>
        [.. All("COPY").Where(c => !c.StartsWith("--from", StringComparison.Ordinal)).SelectMany(c => c.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..^1])];

    [GeneratedRegex(@"\\\n")]
    private static partial Regex Continued();

    [GeneratedRegex(@"(\w+)=(""[^""]*""|\S+)")]
    private static partial Regex Assignment();
}
