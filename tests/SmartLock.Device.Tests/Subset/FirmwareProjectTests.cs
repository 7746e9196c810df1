using System.Text.RegularExpressions;
using System.Xml.Linq;
using SmartLock.Testing;

namespace SmartLock.Device.Tests.Subset;

/// <summary>The firmware's project is built by tools that this repository does not have: what can be held together here, is.</summary>
public sealed class FirmwareProjectTests
{
    private const string Folder = "firmware/SmartLock.Firmware";
    private static readonly XNamespace Build = "http://schemas.microsoft.com/developer/msbuild/2003";
    private static readonly XDocument Project = XDocument.Load(FileOf("SmartLock.Firmware.nfproj"));

    [Fact]
    public void Each_reference_is_of_a_package_and_version_that_is_restored()
    {
        var packages = Packages();

        References().ShouldAllBe(r => packages.Contains($"{r.Package} {r.Version}")
            && r.Hint == $@"packages\{r.Package}.{r.Version}\lib\{r.Assembly}.dll"
            && r.AssemblyVersion.StartsWith(r.Version + ".", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_package_is_referenced_once_and_is_the_one_whose_surface_is_checked()
    {
        References().Select(r => $"{r.Package} {r.Version}").Distinct().ShouldBe(Packages(), ignoreOrder: true);
        References().Select(r => r.Assembly).ShouldBe(Surface.Whole.Packages.Keys, ignoreOrder: true);
        References().ShouldAllBe(r => Surface.Whole.Packages[r.Assembly] == $"{r.Package} {r.Version}");
    }

    [Fact]
    public void Each_library_that_the_sources_use_is_referenced()
    {
        var subset = new NanoFrameworkSubset();
        subset.Check([.. FirmwareSubsetTests.Sources("firmware/SmartLock.Device"), .. FirmwareSubsetTests.Sources(Folder)]);

        subset.Libraries.Count.ShouldBeGreaterThan(8);
        subset.Libraries.Except(References().Select(r => r.Assembly)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_source_is_compiled_and_no_generated_one()
    {
        var compiled = Project.Descendants(Build + "Compile").SelectMany(Matches).ToList();
        var sources = SourceTree.CSharpFiles(Folder).Concat(SourceTree.CSharpFiles("firmware/SmartLock.Device")).ToList();

        sources.ShouldContain(Folder + "/Program.cs");
        compiled.ShouldBe(sources, ignoreOrder: true);
    }

    [Fact]
    public void The_version_that_heartbeats_carry_is_the_assemblys()
    {
        var said = Regex.Match(File.ReadAllText(FileOf("Board/RunningLock.cs")), "Version = \"([0-9.]+)\"").Groups[1].Value;

        said.ShouldNotBeEmpty();
        File.ReadAllText(FileOf("Properties/AssemblyInfo.cs")).ShouldContain($"AssemblyVersion(\"{said}.0\")");
    }

    [Fact]
    public void Its_solution_builds_and_deploys_it_and_the_other_one_leaves_it_alone()
    {
        var solution = File.ReadAllText(FileOf("SmartLock.Firmware.sln"));
        var id = Project.Descendants(Build + "ProjectGuid").Single().Value;

        solution.ShouldContain($"\"SmartLock.Firmware.nfproj\", \"{id}\"");
        foreach (var line in new[] { "Debug|Any CPU.Deploy.0 = Debug|Any CPU", "Release|Any CPU.Build.0 = Release|Any CPU" })
        {
            solution.ShouldContain($"{id}.{line}");
        }

        File.ReadAllText(Path.Combine(SourceTree.Root, "SmartLock.sln")).ShouldNotContain(".nfproj");
    }

    [Fact]
    public void Nothing_of_the_build_for_NET_leaks_into_it()
    {
        // MSBuild reads this one for classic projects too, unlike Directory.Build.props.
        Directory.EnumerateFiles(SourceTree.Root, "Directory.Build.targets", SearchOption.TopDirectoryOnly).ShouldBeEmpty();
        Project.Descendants(Build + "Import").ShouldAllBe(i => ((string)i.Attribute("Project")!).Contains("NFProjectSystem"));
    }

    /// <summary>What MSBuild makes of "folder\**\*.cs" and of the likes that are excluded.</summary>
    private static IEnumerable<string> Matches(XElement compile)
    {
        var excluded = ((string)compile.Attribute("Exclude")!).Split(';').Select(Under).ToList();
        var folder = Under((string)compile.Attribute("Include")!);
        return Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(path => !excluded.Any(e => path.StartsWith(e, StringComparison.Ordinal)))
            .Select(path => Path.GetRelativePath(SourceTree.Root, path));
    }

    private static string Under(string pattern)
    {
        pattern.ShouldEndWith(@"**\*.cs");
        return Path.GetFullPath(FileOf(pattern[..^@"**\*.cs".Length].Replace('\\', '/')));
    }

    private static List<(string Assembly, string AssemblyVersion, string Hint, string Package, string Version)> References() =>
        [.. Project.Descendants(Build + "Reference").Select(reference =>
        {
            var name = ((string)reference.Attribute("Include")!).Split(", ");
            var hint = reference.Element(Build + "HintPath")!.Value;
            var package = Packages().Single(p => hint.StartsWith($@"packages\{p.Replace(' ', '.')}\", StringComparison.Ordinal)).Split(' ');
            return (name[0], name[1]["Version=".Length..], hint, package[0], package[1]);
        })];

    private static List<string> Packages() =>
        [.. XDocument.Load(FileOf("packages.config")).Descendants("package").Select(p => $"{p.Attribute("id")!.Value} {p.Attribute("version")!.Value}")];

    private static string FileOf(string name) => Path.Combine(SourceTree.Root, Folder, name);
}
