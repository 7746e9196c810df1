namespace SmartLock.Device.Tests.Subset;

public sealed class BrainSubsetTests
{
    [Fact]
    public void The_brain_uses_only_what_nanoFramework_has()
    {
        var subset = new NanoFrameworkSubset(AllowList());

        subset.Check(Brain()).Take(30).ShouldBeEmpty();
    }

    [Fact]
    public void The_allow_list_holds_nothing_that_the_brain_does_not_use()
    {
        var allowed = AllowList();
        var subset = new NanoFrameworkSubset(allowed);
        subset.Check(Brain());

        allowed.Except(subset.Used).ShouldBeEmpty("Each entry was looked up in nanoFramework's own surface: take out what is not used.");
    }

    [Fact]
    public void The_brain_has_neither_pins_nor_sockets()
    {
        Brain().ShouldAllBe(f => !f.Source.Contains("using System.Net", StringComparison.Ordinal)
            && !f.Source.Contains("using System.Device", StringComparison.Ordinal)
            && !f.Source.Contains("using System.IO", StringComparison.Ordinal));
    }

    internal static IReadOnlySet<string> AllowList() => File
        .ReadLines(Path.Combine(AppContext.BaseDirectory, "nanoframework-allow-list.txt"))
        .Where(line => line.Length > 0 && line[0] != '#')
        .ToHashSet(StringComparer.Ordinal);

    private static List<(string Path, string Source)> Brain()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "SmartLock.sln")))
        {
            root = root.Parent;
        }

        var folder = Path.Combine(root.ShouldNotBeNull("The tests run inside of the repository.").FullName, "firmware", "SmartLock.Device");
        var files = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(folder, path).StartsWith("obj", StringComparison.Ordinal)
                && !Path.GetRelativePath(folder, path).StartsWith("bin", StringComparison.Ordinal))
            .Select(path => (Path: path, Source: File.ReadAllText(path)))
            .ToList();
        files.Count.ShouldBeGreaterThan(15);
        return files;
    }
}
