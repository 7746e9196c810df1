using System.Text.RegularExpressions;
using SmartLock.Testing;

namespace SmartLock.Server.Tests;

/// <summary>Rules of CONTRIBUTING.md that the compiler does not know.</summary>
public sealed partial class HouseRulesTests
{
    private const int LongestFile = 400;
    private static readonly string[] ProductFolders = ["server", "firmware"];
    private static readonly string[] AllFolders = ["server", "firmware", "tests"];

    /// <summary>A board has no TimeProvider: these two are what its time and its chance come from.</summary>
    private static readonly string[] BoardSources =
        ["firmware/SmartLock.Firmware/Network/BoardClock.cs", "firmware/SmartLock.Firmware/Board/BoardChance.cs"];

    private static readonly string[] VagueFolders = ["Services", "Helpers", "Managers", "Common", "Utils"];

    [Fact]
    public void No_file_is_longer_than_one_can_review() =>
        Files(AllFolders).Where(f => SourceTree.Lines(f).Length > LongestFile).ShouldBeEmpty();

    [Fact]
    public void No_folder_is_named_after_nothing() =>
        Files(AllFolders).Where(f => f.Split('/').Intersect(VagueFolders).Any()).ShouldBeEmpty();

    [Fact]
    public void Time_is_asked_of_a_TimeProvider_and_nothing_blocks_or_swallows() => Offending(ProductFolders, Banned()).ShouldBeEmpty();

    [Fact]
    public void Tests_neither_sleep_nor_block() => Offending(["tests"], BannedInTests()).ShouldBeEmpty();

    [Fact]
    public void The_rule_finds_what_it_bans()
    {
        // In pieces, so that this file does not offend.
        foreach (var line in new[] { "var now = DateTime." + "UtcNow;", "task.Wait" + "();", "async " + "void Run()", "Thread." + "Sleep(5);", "#" + "region x" })
        {
            Banned().IsMatch(line).ShouldBeTrue(line);
        }

        Banned().IsMatch("await task.WaitAsync(ct);").ShouldBeFalse();
    }

    [Fact]
    public void A_feature_uses_its_own_stores_only()
    {
        // Accounts and locks are features; plumbing, storage and the command line serve all of them, and Legacy gives them other names.
        string[] shared = ["Storage", "Infrastructure", "Cli", "Demo", "Legacy"];

        // Only read from, also by the features that are told of changes.
        string[] readByOthers = ["IDeviceKeyStore", "ILiveStore"];
        var stores = Files(["server/SmartLock.Server"])
            .Select(f => (Feature: FeatureOf(f), Match: StoreFile().Match(f)))
            .Where(f => f.Match.Success)
            .ToDictionary(f => f.Match.Groups[1].Value, f => f.Feature);
        stores.ShouldNotBeEmpty();

        var reaching = from file in Files(["server/SmartLock.Server"])
                       where !shared.Contains(FeatureOf(file))
                       from line in SourceTree.Lines(file)
                       from store in stores
                       where FeatureOf(file) != store.Value && !readByOthers.Contains(store.Key) && Regex.IsMatch(line, $@"\b{store.Key}\b") && !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
                       select $"{file}: {line.Trim()}";

        reaching.ShouldBeEmpty();
    }

    private static string FeatureOf(string path) => path.Split('/') is [_, _, var feature, _, ..] ? feature : "";

    private static IEnumerable<string> Files(IEnumerable<string> folders) => folders.SelectMany(SourceTree.CSharpFiles);

    private static IEnumerable<string> Offending(IEnumerable<string> folders, Regex banned) =>
        from file in Files(folders).Except(BoardSources)
        from line in SourceTree.Lines(file).Index()
        where banned.IsMatch(line.Item) && !line.Item.Contains("[InlineData(", StringComparison.Ordinal)
        select $"{file}:{line.Index + 1}: {line.Item.Trim()}";

    [GeneratedRegex(@"DateTime(Offset)?\.(Utc)?Now\b|Thread\.Sleep\(|\bnew Random\(|\.Result;|\.Wait\(\)|async\s+void|^\s*#region|NotImplementedException|catch\s*\{\s*\}")]
    private static partial Regex Banned();

    [GeneratedRegex(@"Thread\.Sleep\(|Task\.Delay\(\d|Task\.Delay\(TimeSpan\.From\w+\(\d+\)\)|async\s+void|Assert\.True\(true\)")]
    private static partial Regex BannedInTests();

    [GeneratedRegex(@"/(I\w+Store)\.cs$")]
    private static partial Regex StoreFile();
}
