using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SmartLock.Device.Tests.Subset;

/// <summary>The shapes, over which the firmware runs here, promise nothing that nanoFramework does not have.</summary>
public sealed class ShapesTests
{
    /// <summary>Equality as .NET wants it of a value type: the firmware's check knows that nanoFramework has it too, elsewhere.</summary>
    private static readonly string[] OfEveryObject = ["M Boolean Equals(Object)", "M Int32 GetHashCode()", "M String ToString()"];

    [Fact]
    public void Each_public_member_of_a_shape_is_in_the_surface()
    {
        var types = Types(Shapes().GlobalNamespace).Where(type => type.DeclaredAccessibility == Accessibility.Public).ToList();
        types.Count.ShouldBeGreaterThan(20);

        types.SelectMany(Unknown).ShouldBeEmpty();
    }

    private static IEnumerable<string> Unknown(INamedTypeSymbol type)
    {
        var name = Surface.NameOf(type);
        if (!Surface.Whole.HasType(name))
        {
            return [name];
        }

        return type.GetMembers()
            .Where(member => member.DeclaredAccessibility == Accessibility.Public)
            .Select(MemberName)
            .Where(member => member is not null && !OfEveryObject.Contains(member) && Surface.Whole.Declaring(type, member) is null)
            .Select(member => $"{name}: {member}");
    }

    private static string? MemberName(ISymbol member) => member switch
    {
        IMethodSymbol { ContainingType.TypeKind: TypeKind.Delegate } => null,
        IMethodSymbol method => Surface.NameOf(method),
        IFieldSymbol field => "F " + field.Name,
        _ => null,
    };

    private static IEnumerable<INamedTypeSymbol> Types(INamespaceSymbol space) => space.GetMembers().SelectMany(member => member switch
    {
        INamespaceSymbol { Name: "SmartLock" } => [],
        INamespaceSymbol inner => Types(inner),
        INamedTypeSymbol type => type.GetTypeMembers().Prepend(type),
        _ => [],
    });

    private static IAssemblySymbol Shapes()
    {
        var compilation = CSharpCompilation.Create("any", references: NanoFrameworkSubset.Framework);
        return compilation.SourceModule.ReferencedAssemblySymbols.Single(assembly => assembly.Name == "SmartLock.Firmware.Shapes");
    }
}
