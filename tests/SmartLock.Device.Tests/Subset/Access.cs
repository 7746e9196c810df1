using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SmartLock.Device.Tests.Subset;

/// <summary>Which members of the metadata a place in the source makes use of.</summary>
internal static class Access
{
    public static IEnumerable<string> MembersOf(ISymbol symbol, SyntaxNode node) => symbol switch
    {
        IMethodSymbol method => [Surface.NameOf(method)],
        IFieldSymbol field => ["F " + field.Name],
        IPropertySymbol property => Accessors(property, Whole(node)).Select(Surface.NameOf),
        IEventSymbol happening => Accessors(happening, Whole(node)).Select(Surface.NameOf),
        _ => [],
    };

    private static IEnumerable<IMethodSymbol> Accessors(IPropertySymbol property, SyntaxNode access)
    {
        if (IsWritten(access) && property.SetMethod is { } set)
        {
            yield return set;
        }

        if (IsRead(access) && property.GetMethod is { } get)
        {
            yield return get;
        }
    }

    private static IEnumerable<IMethodSymbol> Accessors(IEventSymbol happening, SyntaxNode access)
    {
        if (!access.Parent.IsKind(SyntaxKind.SubtractAssignmentExpression) && happening.AddMethod is { } add)
        {
            yield return add;
        }

        if (!access.Parent.IsKind(SyntaxKind.AddAssignmentExpression) && happening.RemoveMethod is { } remove)
        {
            yield return remove;
        }
    }

    /// <summary>For the name in "a.b.c", the whole.</summary>
    private static SyntaxNode Whole(SyntaxNode node)
    {
        while (node.Parent is MemberAccessExpressionSyntax access && access.Name == node)
        {
            node = access;
        }

        return node;
    }

    private static bool IsWritten(SyntaxNode access) =>
        (access.Parent is AssignmentExpressionSyntax assignment && assignment.Left == access) || IsStepped(access);

    private static bool IsRead(SyntaxNode access) =>
        !(access.Parent is AssignmentExpressionSyntax assignment && assignment.Left == access)
        || !access.Parent.IsKind(SyntaxKind.SimpleAssignmentExpression);

    private static bool IsStepped(SyntaxNode access) => access.Parent is { } parent
        && parent.Kind() is SyntaxKind.PostIncrementExpression or SyntaxKind.PostDecrementExpression
            or SyntaxKind.PreIncrementExpression or SyntaxKind.PreDecrementExpression;
}
