using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace SmartLock.Benchmarks;

/// <summary>What a verb measured: printed as a table for people, then as one line of JSON for programs.</summary>
internal sealed class Report(string verb)
{
    private readonly List<Row> _rows = [];

    /// <param name="name">What was done.</param>
    /// <param name="figures">Unit in the name. Rows in a sequence with the same names share one table.</param>
    public void Add(string name, params (string Name, double Value)[] figures)
    {
        _rows.Add(new Row(name, figures));
        Console.Error.WriteLine($"  {name}: {string.Join(", ", figures.Select(f => $"{f.Name} {Format(f.Value)}"))}");
    }

    /// <summary>To standard output.</summary>
    public void Print()
    {
        string[] names = [];
        foreach (var row in _rows)
        {
            if (!names.SequenceEqual(row.Names))
            {
                names = [.. row.Names];
                PrintHeader(names);
            }

            PrintLine(row.Name, names.Zip(row.Figures, (n, f) => (Width(n), Format(f.Value))));
        }

        PrintJson();
    }

    /// <summary>For a verb whose table another prints.</summary>
    public void PrintJson()
    {
        Console.WriteLine();
        Console.WriteLine(ToJson());
    }

    private void PrintHeader(string[] names)
    {
        Console.WriteLine();
        PrintLine(verb, names.Select(n => (Width(n), n)));
    }

    private void PrintLine(string first, IEnumerable<(int Width, string Text)> cells)
    {
        var label = Math.Max(verb.Length, _rows.Max(r => r.Name.Length));
        Console.WriteLine(first.PadRight(label) + string.Concat(cells.Select(c => "  " + c.Text.PadLeft(c.Width))));
    }

    private string ToJson()
    {
        var machine = new { cores = Environment.ProcessorCount, os = RuntimeInformation.OSDescription, runtime = RuntimeInformation.FrameworkDescription };
        // JSON knows no NaN: a figure that could not be taken is null.
        var rows = _rows.Select(r => new { name = r.Name, figures = r.Figures.ToDictionary(f => f.Name, f => double.IsFinite(f.Value) ? f.Value : (double?)null) });
        return JsonSerializer.Serialize(new { verb, machine, rows });
    }

    private static int Width(string name) => Math.Max(name.Length, 9);

    private static string Format(double value)
    {
        if (!double.IsFinite(value))
        {
            return "-";
        }

        var format = Math.Abs(value) switch
        {
            >= 100 or 0 => "N0",
            >= 10 => "N1",
            _ => "N2",
        };
        return value.ToString(format, CultureInfo.InvariantCulture);
    }

    private sealed record Row(string Name, (string Name, double Value)[] Figures)
    {
        public IEnumerable<string> Names => Figures.Select(f => f.Name);
    }
}
