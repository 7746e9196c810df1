using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SmartLock.Device.Tests.Subset;

/// <summary>
/// Finds, in source that compiles for .NET, what nanoFramework 1 does not have. Its own compiler is no guard: a generic class, a
/// Func or a two-dimensional array builds there and fails on the device.
/// </summary>
internal sealed class NanoFrameworkSubset
{
    private static readonly HashSet<SyntaxKind> Forms =
    [
        SyntaxKind.TypeParameterList,
        SyntaxKind.GenericName,
        SyntaxKind.NullableType,
        SyntaxKind.AwaitExpression,
        SyntaxKind.YieldReturnStatement,
        SyntaxKind.YieldBreakStatement,
        SyntaxKind.QueryExpression,
        SyntaxKind.RecordDeclaration,
        SyntaxKind.RecordStructDeclaration,
        SyntaxKind.TupleExpression,
        SyntaxKind.TupleType,
        SyntaxKind.RangeExpression,
        SyntaxKind.IndexExpression,
        SyntaxKind.StackAllocArrayCreationExpression,
        SyntaxKind.ImplicitStackAllocArrayCreationExpression,
        SyntaxKind.AnonymousObjectCreationExpression,
        SyntaxKind.PointerType,
        SyntaxKind.FunctionPointerType,
        SyntaxKind.FixedStatement,
        SyntaxKind.RefType,

        // Compiles to Interlocked.CompareExchange<T>.
        SyntaxKind.EventFieldDeclaration,

        // Lowered to members that this check does not see.
        SyntaxKind.InterpolatedStringExpression,

        // No effect on nanoFramework: an overflow passes unseen.
        SyntaxKind.CheckedExpression,
        SyntaxKind.CheckedStatement,
    ];

    private static readonly HashSet<SyntaxKind> Modifiers =
        [SyntaxKind.AsyncKeyword, SyntaxKind.VolatileKeyword, SyntaxKind.UnsafeKeyword, SyntaxKind.ExternKeyword];

    /// <summary>Name of the assembly that is checked.</summary>
    private const string Own = "checked";

    private readonly SortedSet<string> _findings = new(StringComparer.Ordinal);

    /// <summary>.NET's class libraries, without the one whose NetworkInterface is not like nanoFramework's: that is among the shapes.</summary>
    public static MetadataReference[] Framework { get; } =
        [.. Directory.EnumerateFiles(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "*.dll")
            .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal)
                && Path.GetFileName(path) != "System.Net.NetworkInformation.dll"
                && !path.Contains(".Native.", StringComparison.Ordinal))
            .Append(typeof(object).Assembly.Location)
            .Append(typeof(System.Device.Gpio.GpioPin).Assembly.Location)
            .Select(path => MetadataReference.CreateFromFile(path))];

    /// <summary>Assembly names of the libraries that the source makes use of.</summary>
    public SortedSet<string> Libraries { get; } = new(StringComparer.Ordinal);

    public IReadOnlyCollection<string> Check(IEnumerable<(string Path, string Source)> files)
    {
        var options = new CSharpParseOptions(LanguageVersion.CSharp9);
        var trees = files.Select(f => CSharpSyntaxTree.ParseText(f.Source, options, f.Path)).ToArray();
        var compilation = CSharpCompilation.Create(
            Own, trees, Framework, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true));
        foreach (var error in compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error))
        {
            _findings.Add($"{error.Location.GetLineSpan()}: {error.Id} {error.GetMessage(null)}");
        }

        foreach (var tree in trees)
        {
            CheckTree(tree, compilation.GetSemanticModel(tree));
        }

        return _findings;
    }

    private void CheckTree(SyntaxTree tree, SemanticModel model)
    {
        foreach (var node in tree.GetRoot().DescendantNodes())
        {
            CheckForm(node, model);
            CheckMeaning(node, model);
        }

        foreach (var token in tree.GetRoot().DescendantTokens().Where(t => Modifiers.Contains(t.Kind())))
        {
            Find(token.GetLocation(), token.Text);
        }
    }

    private void CheckForm(SyntaxNode node, SemanticModel model)
    {
        if (Forms.Contains(node.Kind()))
        {
            Find(node.GetLocation(), $"{node.Kind()}: {node.ToString().Split('\n')[0].Trim()}");
        }

        switch (node)
        {
            case TypeDeclarationSyntax { TypeParameterList: not null } or DelegateDeclarationSyntax { TypeParameterList: not null }:
                Find(node.GetLocation(), $"generic type {model.GetDeclaredSymbol(node)?.ToDisplayString()}");
                break;
            case UsingStatementSyntax { Expression: { } used }:
                CheckDispose(model.GetTypeInfo(used).Type, node.GetLocation());
                break;
            case VariableDeclarationSyntax { Parent: UsingStatementSyntax or LocalDeclarationStatementSyntax { UsingKeyword.RawKind: not 0 } } held:
                CheckDispose(model.GetTypeInfo(held.Type).Type, node.GetLocation());
                break;
            case ArrayRankSpecifierSyntax { Rank: > 1 }:
                Find(node.GetLocation(), "multi-dimensional array");
                break;
            case CommonForEachStatementSyntax loop when model.GetTypeInfo(loop.Expression).Type is not IArrayTypeSymbol:
                Find(node.GetLocation(), "foreach over something else than an array");
                break;
            case BinaryExpressionSyntax sum when sum.IsKind(SyntaxKind.AddExpression) && IsString(model.GetTypeInfo(sum).Type)
                && !(IsString(model.GetTypeInfo(sum.Left).Type) && IsString(model.GetTypeInfo(sum.Right).Type)):
                Find(node.GetLocation(), "string joined with something else, by a hidden ToString");
                break;
            case AssignmentExpressionSyntax sum when sum.IsKind(SyntaxKind.AddAssignmentExpression)
                && IsString(model.GetTypeInfo(sum.Left).Type) && !IsString(model.GetTypeInfo(sum.Right).Type):
                Find(node.GetLocation(), "string joined with something else, by a hidden ToString");
                break;
            case ExpressionSyntax boxed when model.GetConversion(boxed).IsBoxing && model.GetTypeInfo(boxed).Type is { TypeKind: TypeKind.Enum }:
                Find(node.GetLocation(), "enum as an object, whose ToString gives the number");
                break;
            case MethodDeclarationSyntax { Parent: InterfaceDeclarationSyntax } method when method.Body is not null || method.ExpressionBody is not null:
                Find(node.GetLocation(), "interface with a body");
                break;
            case ArrayCreationExpressionSyntax { Initializer: null } created when IsString((model.GetTypeInfo(created).Type as IArrayTypeSymbol)?.ElementType)
                && !StringArrays.IsFilledAtOnce(created, model):
                Find(node.GetLocation(), "string array whose elements are not assigned at once");
                break;
            default:
                break;
        }
    }

    private void CheckMeaning(SyntaxNode node, SemanticModel model)
    {
        if (node is ExpressionSyntax or AttributeSyntax or ConstructorInitializerSyntax)
        {
            var type = model.GetTypeInfo(node);
            CheckType(type.Type, node.GetLocation());
            CheckType(type.ConvertedType, node.GetLocation());
            CheckMember(model.GetSymbolInfo(node).Symbol, node, model);
            CheckMember(model.GetConversion(node).MethodSymbol, node, model);
        }
        else if (model.GetDeclaredSymbol(node) is { } declared)
        {
            CheckType(TypeOf(declared), node.GetLocation());
        }
    }

    private static ITypeSymbol? TypeOf(ISymbol declared) => declared switch
    {
        ILocalSymbol local => local.Type,
        IFieldSymbol field => field.Type,
        IPropertySymbol property => property.Type,
        IParameterSymbol parameter => parameter.Type,
        IMethodSymbol method => method.ReturnType,
        INamedTypeSymbol type => type.BaseType,
        _ => null,
    };

    private void CheckType(ITypeSymbol? type, Location where)
    {
        switch (type)
        {
            case null or { TypeKind: TypeKind.Error } or { SpecialType: SpecialType.System_Void }:
                return;
            case IArrayTypeSymbol array:
                if (array.Rank > 1)
                {
                    Find(where, "multi-dimensional array");
                }

                CheckType(array.ElementType, where);
                return;
            case IDynamicTypeSymbol or IPointerTypeSymbol or IFunctionPointerTypeSymbol or ITypeParameterSymbol:
                Find(where, type.TypeKind.ToString());
                return;
            case INamedTypeSymbol named:
                CheckNamed(named, where);
                return;
            default:
                return;
        }
    }

    private void CheckNamed(INamedTypeSymbol type, Location where)
    {
        if (type.IsGenericType || type.IsTupleType || type.IsAnonymousType || type.IsRefLikeType || type.IsRecord)
        {
            Find(where, $"type {type.ToDisplayString()}");
        }

        if (IsOwn(type))
        {
            return;
        }

        if (Surface.Whole.HasType(Surface.NameOf(type)))
        {
            Libraries.Add(Surface.Whole.LibraryOf(Surface.NameOf(type)));
        }
        else
        {
            Find(where, $"not on nanoFramework: {Surface.NameOf(type)}");
        }
    }

    private void CheckMember(ISymbol? symbol, SyntaxNode node, SemanticModel model)
    {
        switch (symbol)
        {
            case IMethodSymbol { MethodKind: MethodKind.BuiltinOperator or MethodKind.LocalFunction or MethodKind.AnonymousFunction }:
                return;
            case IMethodSymbol { IsGenericMethod: true }:
                Find(node.GetLocation(), $"generic method {symbol.ToDisplayString()}");
                return;
            case IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol:
                break;
            default:
                return;
        }

        if (symbol.ContainingType is not { } declaring || IsOwn(declaring))
        {
            return;
        }

        var receiver = Receiver(node, model) is { } type && Derives(type, declaring) ? type : declaring;
        foreach (var member in Access.MembersOf(symbol, node))
        {
            CheckExternal(receiver, member, node.GetLocation());
        }
    }

    private void CheckDispose(ITypeSymbol? type, Location where)
    {
        if (type is INamedTypeSymbol named)
        {
            CheckExternal(named, "M Void Dispose()", where);
        }
    }

    private void CheckExternal(INamedTypeSymbol receiver, string member, Location where)
    {
        var declaring = Surface.Whole.Declaring(receiver, member);
        if (declaring is null)
        {
            Find(where, $"not on nanoFramework: {Surface.NameOf(receiver)}: {member}");
        }
        else if (Traps.Of(declaring, member) is { } why)
        {
            Find(where, $"a trap on nanoFramework: {declaring}: {member} {why}");
        }
    }

    /// <summary>What the member is asked of: nanoFramework may have it on another type of the same line than .NET.</summary>
    private static INamedTypeSymbol? Receiver(SyntaxNode node, SemanticModel model)
    {
        var access = node as MemberAccessExpressionSyntax ?? node.Parent as MemberAccessExpressionSyntax;
        var call = node as InvocationExpressionSyntax;
        access ??= call?.Expression as MemberAccessExpressionSyntax;
        if (access is not null && (access == node || access.Name == node || call is not null))
        {
            return model.GetTypeInfo(access.Expression).Type as INamedTypeSymbol;
        }

        return node switch
        {
            ObjectCreationExpressionSyntax creation => model.GetTypeInfo(creation).Type as INamedTypeSymbol,
            ElementAccessExpressionSyntax element => model.GetTypeInfo(element.Expression).Type as INamedTypeSymbol,
            _ => null,
        };
    }

    private static bool Derives(INamedTypeSymbol type, INamedTypeSymbol from)
    {
        for (var t = type; t is not null; t = t.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(t, from))
            {
                return true;
            }
        }

        return type.AllInterfaces.Contains(from, SymbolEqualityComparer.Default);
    }

    private static bool IsOwn(INamedTypeSymbol type) => type.ContainingAssembly is null || type.ContainingAssembly.Name == Own;

    private static bool IsString(ITypeSymbol? type) => type?.SpecialType == SpecialType.System_String;

    private void Find(Location where, string what) => _findings.Add($"{where.GetLineSpan()}: {what}");
}
