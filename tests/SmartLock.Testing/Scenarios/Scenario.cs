namespace SmartLock.Testing.Scenarios;

/// <summary>One line: what happens, and what is seen of it.</summary>
/// <param name="Number">In the file, from 1.</param>
/// <param name="Words">What happens: a verb, and what goes with it.</param>
/// <param name="Expected">What is seen, as the file words it.</param>
public sealed record ScenarioLine(int Number, IReadOnlyList<string> Words, string Expected)
{
    public string Action => string.Join(' ', Words);
}

/// <summary>A scenario file; its format is told in lock.scenario itself.</summary>
public static class Scenario
{
    private const string Arrow = " -> ";

    /// <summary>The lock's own: lock.scenario.</summary>
    public static IReadOnlyList<ScenarioLine> Lock()
    {
        using var file = new StreamReader(typeof(Scenario).Assembly.GetManifestResourceStream("lock.scenario")!);
        return Read(file.ReadToEnd());
    }

    /// <exception cref="FormatException">A line is neither a comment nor an action with its outcome.</exception>
    public static IReadOnlyList<ScenarioLine> Read(string text)
    {
        var lines = new List<ScenarioLine>();
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (line.Trim().Length == 0 || line[0] == '#')
            {
                continue;
            }

            var arrow = line.IndexOf(Arrow, StringComparison.Ordinal);
            if (arrow <= 0)
            {
                throw new FormatException($"line {number} says not what is seen: {line}");
            }

            var words = line[..arrow].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            lines.Add(new ScenarioLine(number, words, line[(arrow + Arrow.Length)..].Trim()));
        }

        return lines;
    }

    /// <summary>Milliseconds of "30s", "-20s", "+2m", "1h".</summary>
    public static long Milliseconds(string text)
    {
        var unit = text[^1] switch
        {
            's' => 1000,
            'm' => 60_000,
            'h' => 3_600_000,
            _ => throw new FormatException($"no time: {text}"),
        };
        return long.Parse(text[..^1], System.Globalization.CultureInfo.InvariantCulture) * unit;
    }
}
