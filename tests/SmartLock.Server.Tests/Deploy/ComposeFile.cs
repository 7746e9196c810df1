using SmartLock.Testing;
using YamlDotNet.RepresentationModel;

namespace SmartLock.Server.Tests.Deploy;

/// <summary>docker-compose.yml with its anchors followed.</summary>
internal sealed class ComposeFile
{
    private readonly YamlMappingNode _root;

    private ComposeFile(YamlMappingNode root) => _root = root;

    public IReadOnlyDictionary<string, ComposeService> Services => Children(_root, "services")
        .ToDictionary(s => s.Key, s => new ComposeService((YamlMappingNode)s.Value));

    /// <summary>Name and file of each secret.</summary>
    public IReadOnlyDictionary<string, string> Secrets => Children(_root, "secrets")
        .ToDictionary(s => s.Key, s => Text(((YamlMappingNode)s.Value)["file"]));

    public static ComposeFile Read()
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(Path.Combine(SourceTree.Root, "docker-compose.yml"))));
        return new ComposeFile((YamlMappingNode)yaml.Documents[0].RootNode);
    }

    public static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;

    public static IEnumerable<KeyValuePair<string, YamlNode>> Children(YamlMappingNode node, string member) =>
        node.Children.TryGetValue(member, out var value) && value is YamlMappingNode map
            ? map.Children.Select(c => KeyValuePair.Create(Text(c.Key), c.Value))
            : [];
}

internal sealed class ComposeService(YamlMappingNode node)
{
    public string Image => Single("image");

    public bool HasHealthCheck => Find("healthcheck") is not null;

    /// <summary>The health check's command and arguments.</summary>
    public IReadOnlyList<string> HealthCheck =>
        [.. ((YamlSequenceNode)Find("healthcheck")!["test"]).Children.Select(ComposeFile.Text).Skip(1)];

    public IReadOnlyDictionary<string, string> Environment =>
        ComposeFile.Children(node, "environment").ToDictionary(e => e.Key, e => ComposeFile.Text(e.Value));

    /// <summary>Source and target of each; a short one has its source as both.</summary>
    public IReadOnlyList<(string Source, string Target)> Secrets => List("secrets", item => item is YamlMappingNode map
        ? (ComposeFile.Text(map["source"]), ComposeFile.Text(map["target"]))
        : (ComposeFile.Text(item), ComposeFile.Text(item)));

    public IReadOnlyList<string> Ports => List("ports", ComposeFile.Text);

    public IReadOnlyList<(string Source, string Target)> Mounts =>
        List("volumes", item => (ComposeFile.Text(item["source"]), ComposeFile.Text(item["target"])));

    /// <summary>The hard limit of descriptors.</summary>
    public int OpenFiles => int.Parse(ComposeFile.Text(Find("ulimits")!["nofile"]["hard"]), System.Globalization.CultureInfo.InvariantCulture);

    public string Single(string member) => ComposeFile.Text(Find(member) ?? throw new KeyNotFoundException(member));

    public IReadOnlyList<T> List<T>(string member, Func<YamlNode, T> read) =>
        Find(member) is YamlSequenceNode list ? [.. list.Children.Select(read)] : [];

    /// <summary>Its own, else that of what it is merged with.</summary>
    private YamlNode? Find(string member)
    {
        if (node.Children.TryGetValue(member, out var own))
        {
            return own;
        }

        return node.Children.TryGetValue("<<", out var merged) && ((YamlMappingNode)merged).Children.TryGetValue(member, out var inherited) ? inherited : null;
    }
}
