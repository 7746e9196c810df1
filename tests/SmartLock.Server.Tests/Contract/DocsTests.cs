using System.Reflection;
using System.Text.RegularExpressions;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Contract;

/// <summary>What the pages for operators and app developers list is what there is.</summary>
public sealed partial class DocsTests
{
    private const int LongestLine = 160;

    [Fact]
    public void Every_setting_is_on_the_settings_page()
    {
        var page = Read("docs/settings.md");
        var options = SourceTree.CSharpFiles("server/SmartLock.Server")
            .SelectMany(file => AddedOptions().Matches(string.Join('\n', SourceTree.Lines(file))).Select(m => m.Groups[1].Value))
            .Distinct()
            .Select(name => typeof(AccountOptions).Assembly.GetTypes().Single(t => t.Name == name))
            .ToList();
        options.Count.ShouldBeGreaterThan(8);

        var missing = from type in options
                      from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                      where property.CanWrite || property.PropertyType.Name.StartsWith("IList", StringComparison.Ordinal)
                      where !Regex.IsMatch(page, $@"\b{property.Name}\b")
                      select $"{type.Name}.{property.Name}";
        missing.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_api_page_lists_every_operation_and_no_other()
    {
        await using var app = await TestApp.StartAsync();
        var operations = (await ApiOperation.AllAsync(app)).Select(o => $"{o.Method} {o.Path}").ToHashSet(StringComparer.Ordinal);
        var listed = ListedCalls(Read("docs/api.md")).ToHashSet(StringComparer.Ordinal);

        operations.Except(listed).ShouldBeEmpty("not on the page");
        listed.Except(operations).ShouldBeEmpty("on the page only");
    }

    [Fact]
    public void Calls_are_read_one_by_one_from_the_page() =>
        ListedCalls("| `GET,POST /api/a`, `PUT /api/a/{id}` `{\"b\":1}` | text |\n`GET /api/b` is prose").ShouldBe(["GET /api/a", "POST /api/a", "PUT /api/a/{id}"]);

    /// <summary>Those of the tables, where <c>GET,POST /path</c> is two.</summary>
    private static IEnumerable<string> ListedCalls(string page) =>
        from line in page.Split('\n')
        where line.StartsWith('|')
        from Match call in ListedCall().Matches(line)
        from method in call.Groups[1].Value.Split(',')
        select $"{method} {call.Groups[2].Value}";

    [Fact]
    public void Every_link_between_the_pages_leads_somewhere()
    {
        var broken = from page in Pages()
                     from link in Link().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value)
                     where !link.Contains(':', StringComparison.Ordinal) && link.Length > 0
                     let target = Path.Combine(Path.GetDirectoryName(page)!, link)
                     where !File.Exists(target) && !Directory.Exists(target)
                     select $"{Path.GetRelativePath(SourceTree.Root, page)}: {link}";
        broken.ShouldBeEmpty();
    }

    /// <summary>Tables and code cannot be broken into lines, and neither can a link that stands alone.</summary>
    [Fact]
    public void No_line_of_prose_is_longer_than_160_characters()
    {
        var lines = Pages().SelectMany(page => Prose(File.ReadAllLines(page)).Select(line => (Page: page, line.Number, line.Text))).ToList();
        lines.Count.ShouldBeGreaterThan(500);

        lines.Where(l => l.Text.Length > LongestLine && !LoneLink().IsMatch(l.Text))
            .Select(l => $"{Path.GetRelativePath(SourceTree.Root, l.Page)}:{l.Number}: {l.Text.Length} characters")
            .ShouldBeEmpty();
    }

    [Fact]
    public void Only_tables_and_code_are_left_out_of_the_prose()
    {
        string[] page = ["# Title", "", "| table |", "text", "```sh", "code", "```", "", "    code", "- item", "  of the item", "", "    text of the item"];

        Prose(page).Select(l => l.Number).ShouldBe([1, 4, 10, 11, 13]);
    }

    /// <summary>Numbered from 1. Lines of blocks between fences and, outside of lists, indented ones are code.</summary>
    private static IEnumerable<(int Number, string Text)> Prose(string[] lines)
    {
        var (isFenced, isInList) = (false, false);
        for (var i = 0; i < lines.Length; i++)
        {
            var (line, text) = (lines[i], lines[i].TrimStart());
            if (text.StartsWith("```", StringComparison.Ordinal))
            {
                isFenced = !isFenced;
                continue;
            }

            isInList = ListItem().IsMatch(line) || (isInList && (text.Length == 0 || text.Length < line.Length));
            var isCode = isFenced || (!isInList && line.StartsWith("    ", StringComparison.Ordinal));
            if (text.Length > 0 && !isCode && text[0] != '|')
            {
                yield return (i + 1, line);
            }
        }
    }

    private static IEnumerable<string> Pages() => Directory
        .EnumerateFiles(Path.Combine(SourceTree.Root, "docs"), "*.md", SearchOption.AllDirectories)
        .Concat(Directory.EnumerateFiles(SourceTree.Root, "*.md"))
        .Append(Path.Combine(SourceTree.Root, "firmware", "README.md"));

    private static string Read(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path));

    [GeneratedRegex(@"AddValidatedOptions<(\w+Options)>\(")]
    private static partial Regex AddedOptions();

    [GeneratedRegex(@"`((?:GET|POST|PUT|PATCH|DELETE)(?:,[A-Z]+)*) (/[^`\s]+)`")]
    private static partial Regex ListedCall();

    [GeneratedRegex(@"\]\(([^)#\s]*)[^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\s*([-*+]|\d+\.)\s")]
    private static partial Regex ListItem();

    [GeneratedRegex(@"^\s*([-*+]\s)?<?(https?://\S+|\[[^\]]*\]\([^)]*\)[.:]?)>?$")]
    private static partial Regex LoneLink();
}
