using Microsoft.CodeAnalysis;

namespace SmartLock.Device.Tests.Subset;

/// <summary>
/// The public members of nanoFramework's class libraries, as the files of the folder <c>Surface</c> list them: after the package
/// and its version, each type with its members, by the names of the metadata. A nested type stands there as ".Name".
/// </summary>
internal sealed class Surface
{
    private readonly Dictionary<string, HashSet<string>> _types = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _libraries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _packages = new(StringComparer.Ordinal);

    public static Surface Whole { get; } = Read(Path.Combine(AppContext.BaseDirectory, "Subset", "Surface"));

    /// <summary>By the assembly's name, the package as "id version".</summary>
    public IReadOnlyDictionary<string, string> Packages => _packages;

    public bool HasType(string type) => _types.ContainsKey(type);

    public bool HasMember(string type, string member) => _types.TryGetValue(type, out var members) && members.Contains(member);

    public IEnumerable<string> MembersOf(string type) => _types[type];

    /// <summary>Name of the assembly with this type.</summary>
    public string LibraryOf(string type) => _libraries[type];

    /// <summary>The type, or a base or an interface of it, that has the member; null when none has.</summary>
    public string? Declaring(INamedTypeSymbol receiver, string member)
    {
        for (var type = receiver; type is not null; type = type.BaseType)
        {
            if (HasMember(NameOf(type), member))
            {
                return NameOf(type);
            }
        }

        return receiver.AllInterfaces.Select(NameOf).FirstOrDefault(type => HasMember(type, member));
    }

    public static string NameOf(INamedTypeSymbol type) => type.ContainingType is not null || type.ContainingNamespace.IsGlobalNamespace
        ? "." + type.MetadataName
        : type.ContainingNamespace.ToDisplayString() + "." + type.MetadataName;

    public static string NameOf(IMethodSymbol method)
    {
        var parameters = string.Join(", ", method.Parameters.Select(p => (p.RefKind == RefKind.None ? "" : "ref ") + Short(p.Type)));
        return $"M {(method.IsStatic ? "static " : "")}{Short(method.ReturnType)} {method.MetadataName}({parameters})";
    }

    private static string Short(ITypeSymbol type) => type is IArrayTypeSymbol array ? Short(array.ElementType) + "[]" : type.MetadataName;

    private static Surface Read(string folder)
    {
        var surface = new Surface();
        foreach (var path in Directory.EnumerateFiles(folder, "*.txt"))
        {
            surface.Add(Path.GetFileNameWithoutExtension(path), File.ReadAllLines(path));
        }

        return surface;
    }

    private void Add(string library, string[] lines)
    {
        _packages.Add(library, lines[0][2..]);
        HashSet<string>? members = null;
        foreach (var line in lines.Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (!line.StartsWith("T ", StringComparison.Ordinal))
            {
                members!.Add(line.Trim());
                continue;
            }

            // Nested types of one name share an entry.
            _libraries.TryAdd(line[2..], library);
            if (!_types.TryGetValue(line[2..], out members))
            {
                _types.Add(line[2..], members = new HashSet<string>(StringComparer.Ordinal));
            }
        }
    }
}
