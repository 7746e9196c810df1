using System.Reflection;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>docs/mqtt-conformance.md is complete and true: its numbers are those of the standards, and the tests it names exist.</summary>
public sealed class ConformanceDocumentTests
{
    private const string DoesNotApply = "does not apply: ";
    private const string BindsClients = $"{DoesNotApply}binds clients only";

    private static readonly string[] Tests =
    [
        .. from type in Assembly.GetExecutingAssembly().GetTypes()
           from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
           where method.GetCustomAttributes<FactAttribute>(inherit: true).Any()
           select $".{type.FullName}.{method.Name}",
    ];

    private sealed record Row(string Number, string Who, string Rule, string HeldBy);

    [Theory]
    [InlineData("MQTT 3.1.1", "statements-3.1.1.txt")]
    [InlineData("MQTT 5.0", "statements-5.0.txt")]
    public void Every_statement_has_one_row(string version, string list)
    {
        var known = SourceTree.Lines($"tests/SmartLock.Mqtt.Tests/Conformance/{list}");
        known.ShouldBeUnique();
        known.Length.ShouldBeGreaterThan(100);
        var rows = Rows(version, out _);
        rows.Select(r => r.Number).ShouldBe(known);
        rows.ShouldAllBe(r => r.Who == "server" || r.Who == "client" || r.Who == "both");
        rows.ShouldAllBe(r => r.Rule.Length > 0);
        rows.Where(r => r.Who != "client").ShouldAllBe(r => r.HeldBy != BindsClients);
    }

    [Theory]
    [InlineData("MQTT 3.1.1")]
    [InlineData("MQTT 5.0")]
    public void Every_row_names_tests_that_exist_or_a_reason(string version)
    {
        foreach (var row in Rows(version, out _).Where(r => !r.HeldBy.StartsWith(DoesNotApply, StringComparison.Ordinal)))
        {
            var names = row.HeldBy.Split(", ");
            names.ShouldNotBeEmpty();
            foreach (var name in names)
            {
                var found = Tests.Count(t => t.EndsWith($".{name.Trim('`')}", StringComparison.Ordinal));
                found.ShouldBe(1, $"{version} {row.Number} names {name}");
            }
        }
    }

    [Theory]
    [InlineData("MQTT 3.1.1")]
    [InlineData("MQTT 5.0")]
    public void The_counts_are_right(string version)
    {
        var rows = Rows(version, out var summary);
        var reasons = rows.Where(r => r.HeldBy.StartsWith(DoesNotApply, StringComparison.Ordinal)).ToArray();
        reasons.ShouldAllBe(r => r.HeldBy.Length > DoesNotApply.Length);
        var clients = reasons.Count(r => r.HeldBy == BindsClients);
        summary.ShouldBe(
            $"{rows.Length} statements: {rows.Length - reasons.Length} held by tests, {clients} that bind clients only, "
            + $"{reasons.Length - clients} that do not apply for another reason.");
    }

    private static Row[] Rows(string version, out string summary)
    {
        var section = SourceTree.Lines("docs/mqtt-conformance.md")
            .SkipWhile(line => line != $"## {version}")
            .Skip(1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.Length > 0)
            .ToArray();
        summary = section[0];

        // Behind the summary, the table's own two lines.
        return [.. section.Skip(3).Select(Parse)];
    }

    private static Row Parse(string line)
    {
        var cells = line.Split('|', StringSplitOptions.TrimEntries);
        cells.Length.ShouldBe(6, line);
        return new Row(cells[1], cells[2], cells[3], cells[4]);
    }
}
