using System.Globalization;
using System.Text;

namespace SmartLock.Server.Legacy.Import;

internal enum ImportKind
{
    Users,
    Locks,
    Commands,
}

/// <summary>What was, or would be, brought over, and what not and why. Names stand in it, passwords do not.</summary>
internal sealed class ImportReport(bool applied)
{
    /// <summary>As many are named for each reason; the others are counted.</summary>
    public const int MostNamed = 20;

    private const int LongestName = 64;
    private readonly Dictionary<ImportKind, Dictionary<string, Reason>> _leftOut = [];
    private readonly Dictionary<string, Reason> _changed = [];
    private readonly Dictionary<ImportKind, long> _brought = [];
    private readonly Dictionary<ImportKind, long> _there = [];

    public long Heartbeats { get; set; }

    public void Bring(ImportKind kind) => Count(_brought, kind);

    public void NoteThere(ImportKind kind) => Count(_there, kind);

    public void LeaveOut(ImportKind kind, string reason, string? what) =>
        Note(_leftOut.TryGetValue(kind, out var reasons) ? reasons : _leftOut[kind] = [], reason, what);

    /// <summary>Brought over, but not as it was.</summary>
    public void NoteChanged(string how, string? what) => Note(_changed, how, what);

    public long Brought(ImportKind kind) => _brought.GetValueOrDefault(kind);

    public long There(ImportKind kind) => _there.GetValueOrDefault(kind);

    public long LeftOut(ImportKind kind) => _leftOut.TryGetValue(kind, out var reasons) ? reasons.Values.Sum(r => r.Count) : 0;

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var kind in Enum.GetValues<ImportKind>())
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{kind + ":",-10}{Brought(kind)} {(applied ? "brought over" : "to bring over")}, {There(kind)} there already, {LeftOut(kind)} left out");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"{"Rows:",-10}{Heartbeats} of heartbeats left out");
        foreach (var (kind, reasons) in _leftOut)
        {
            Append(text, $"{kind} left out", reasons);
        }

        Append(text, "Not as they were", _changed);
        return text.ToString().TrimEnd();
    }

    private static void Append(StringBuilder text, string heading, Dictionary<string, Reason> reasons)
    {
        if (reasons.Count == 0)
        {
            return;
        }

        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"{heading}:");
        foreach (var (reason, noted) in reasons.OrderByDescending(r => r.Value.Count))
        {
            var names = string.Join(", ", noted.Names);
            var more = noted.Count > noted.Names.Count && names.Length > 0 ? ", ..." : "";
            text.AppendLine(CultureInfo.InvariantCulture, $"  {noted.Count} {reason}{(names.Length > 0 ? ": " : "")}{names}{more}");
        }
    }

    private static void Count(Dictionary<ImportKind, long> counts, ImportKind kind) => counts[kind] = counts.GetValueOrDefault(kind) + 1;

    private static void Note(Dictionary<string, Reason> reasons, string reason, string? what)
    {
        var noted = reasons.TryGetValue(reason, out var known) ? known : reasons[reason] = new Reason();
        noted.Count++;
        if (what is not null && noted.Names.Count < MostNamed)
        {
            noted.Names.Add(Shown(what));
        }
    }

    /// <summary>Names come from outside: what would move the terminal's cursor, or reads as something else, is not printed.</summary>
    private static string Shown(string name) => string.Concat(name.EnumerateRunes().Take(LongestName).Select(r => Rune.GetUnicodeCategory(r) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => "?",
        _ => r.ToString(),
    }));

    private sealed class Reason
    {
        public long Count { get; set; }

        public List<string> Names { get; } = [];
    }
}
