using System.Reflection;
using System.Text.RegularExpressions;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Contract;

/// <summary>What the pages for operators and app developers list is what there is.</summary>
public sealed partial class DocsTests
{
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
    public async Task Every_path_is_on_the_api_page()
    {
        await using var app = await TestApp.StartAsync();
        var page = Read("docs/api.md");
        var operations = await ApiOperation.AllAsync(app);

        // Its tables shorten what repeats: the last fixed word of each path is what must be there.
        var missing = operations.Where(o => !page.Contains(o.Path.Split('/').Last(part => !part.StartsWith('{')), StringComparison.Ordinal));

        missing.ShouldBeEmpty();
    }

    [Fact]
    public void Every_link_between_the_pages_leads_somewhere()
    {
        var pages = Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(SourceTree.Root, "*.md"))
            .Append(Path.Combine(SourceTree.Root, "firmware", "README.md"));
        var broken = from page in pages
                     from link in Link().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value)
                     where !link.Contains(':', StringComparison.Ordinal) && link.Length > 0
                     let target = Path.Combine(Path.GetDirectoryName(page)!, link)
                     where !File.Exists(target) && !Directory.Exists(target)
                     select $"{Path.GetRelativePath(SourceTree.Root, page)}: {link}";
        broken.ShouldBeEmpty();
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path));

    [GeneratedRegex(@"AddValidatedOptions<(\w+Options)>\(")]
    private static partial Regex AddedOptions();

    [GeneratedRegex(@"\]\(([^)#\s]*)[^)]*\)")]
    private static partial Regex Link();
}
