using System.Text.RegularExpressions;
using SmartLock.Testing;

namespace SmartLock.Server.Tests;

/// <summary>
/// The features of the server form a directed graph without cycles: each uses only those before it in <see cref="Order"/>. What a feature must tell
/// one behind it is an event record (<c>Events&lt;T&gt;</c>) that the other subscribes to.
/// </summary>
public sealed partial class FeatureGraphTests
{
    private const string Server = "server/SmartLock.Server";

    /// <summary>From the bottom to the top. Storage implements the stores of all features before it; nothing uses Legacy.</summary>
    private static readonly string[] Order =
    [
        "Infrastructure", "Telemetry",
        "Audit", "Accounts", "Messaging",
        "Locks",
        "Commands", "Heartbeats",
        "Live", "Webhooks", "Replicas",
        "Storage",
        "Demo", "Cli", "Legacy",
    ];

    [Fact]
    public void A_feature_uses_only_features_before_it() =>
        Uses(SourceTree.CSharpFiles(Server).Select(file => (file, SourceTree.Lines(file)))).ShouldBeEmpty();

    [Fact]
    public void Every_folder_has_its_place_in_the_order() =>
        SourceTree.CSharpFiles(Server).Select(FeatureOf).Where(feature => feature.Length > 0).Distinct().Except(Order).ShouldBeEmpty();

    [Theory]
    [InlineData("using SmartLock.Server.Webhooks;")]
    [InlineData("    private readonly SmartLock.Server.Webhooks.WebhookQueue _queue;")]
    [InlineData("using static SmartLock.Server.Legacy.Import.ImportRules;")]
    public void A_use_against_the_order_is_found(string line)
    {
        Uses([($"{Server}/Locks/Lock.cs", [line])]).ShouldHaveSingleItem().ShouldContain("Locks/Lock.cs");
        Uses([($"{Server}/SmartLockServer.cs", [line])]).ShouldBeEmpty("the server is put together from all features");
        Uses([($"{Server}/Locks/Lock.cs", ["// " + line])]).ShouldBeEmpty("a comment uses nothing");
    }

    private static IEnumerable<string> Uses(IEnumerable<(string File, string[] Lines)> files) =>
        from file in files
        let feature = FeatureOf(file.File)
        where feature.Length > 0
        from line in file.Lines
        where !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
        from Match match in Mention().Matches(line)
        where Array.IndexOf(Order, match.Groups[1].Value) > Array.IndexOf(Order, feature)
        select $"{file.File}: {line.Trim()}";

    /// <summary>Empty for the files that put the server together.</summary>
    private static string FeatureOf(string path) => path.Split('/') is [_, _, var feature, _, ..] ? feature : "";

    [GeneratedRegex(@"\bSmartLock\.Server\.(\w+)\b")]
    private static partial Regex Mention();
}
