using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SmartLock.Device.Tests.Subset;

/// <summary>
/// An element of a <c>new string[n]</c> that was never assigned is a null that nanoFramework's == of two strings follows to nowhere, and
/// the runtime ends. So such an array has an initializer, or the very next thing that is done is to assign every element in a loop
/// from 0 to its Length: after a local's declaration in the next statement, for a field in a loop at the start of each constructor.
/// </summary>
internal static class StringArrays
{
    public static bool IsFilledAtOnce(ArrayCreationExpressionSyntax created, SemanticModel model)
    {
        if (created.Parent is not EqualsValueClauseSyntax { Parent: VariableDeclaratorSyntax declarator }
            || model.GetDeclaredSymbol(declarator) is not { } array)
        {
            return false;
        }

        return declarator.Parent?.Parent switch
        {
            LocalDeclarationStatementSyntax { Parent: BlockSyntax block } local =>
                IsFill(block.Statements.ElementAtOrDefault(block.Statements.IndexOf(local) + 1), array, model),
            FieldDeclarationSyntax { Parent: TypeDeclarationSyntax type } field => IsFilledByConstructors(type, field, array, model),
            _ => false,
        };
    }

    private static bool IsFilledByConstructors(TypeDeclarationSyntax type, FieldDeclarationSyntax field, ISymbol array, SemanticModel model)
    {
        var isStatic = field.Modifiers.Any(SyntaxKind.StaticKeyword);
        var constructors = type.Members.OfType<ConstructorDeclarationSyntax>()
            .Where(c => c.Modifiers.Any(SyntaxKind.StaticKeyword) == isStatic && !c.Initializer.IsKind(SyntaxKind.ThisConstructorInitializer))
            .ToArray();
        return constructors.Length > 0 && constructors.All(
            c => c.Body is not null && c.Body.Statements.TakeWhile(s => s is ForStatementSyntax).Any(s => IsFill(s, array, model)));
    }

    /// <summary>for (int i = 0; i &lt; array.Length; i++) { array[i] = ...; }, with nothing else in it.</summary>
    private static bool IsFill(StatementSyntax? statement, ISymbol array, SemanticModel model) =>
        statement is ForStatementSyntax
        {
            Declaration.Variables: [{ Initializer.Value: LiteralExpressionSyntax { Token.ValueText: "0" } } index],
            Condition: BinaryExpressionSyntax { RawKind: (int)SyntaxKind.LessThanExpression } condition,
            Incrementors: [PostfixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.PostIncrementExpression } step],
            Statement: BlockSyntax { Statements: [ExpressionStatementSyntax { Expression: AssignmentExpressionSyntax assignment }] },
        }
        && Is(condition.Left, index) && Is(step.Operand, index)
        && condition.Right is MemberAccessExpressionSyntax { Name.Identifier.ValueText: "Length" } length && Is(length.Expression, array, model)
        && assignment.IsKind(SyntaxKind.SimpleAssignmentExpression)
        && assignment.Left is ElementAccessExpressionSyntax { ArgumentList.Arguments: [var at] } element
        && Is(element.Expression, array, model) && Is(at.Expression, index)
        && !assignment.Right.DescendantNodesAndSelf().Any(node => Is(node, array, model));

    private static bool Is(SyntaxNode node, ISymbol array, SemanticModel model) =>
        node is ExpressionSyntax && SymbolEqualityComparer.Default.Equals(model.GetSymbolInfo(node).Symbol, array);

    private static bool Is(ExpressionSyntax name, VariableDeclaratorSyntax index) =>
        name is IdentifierNameSyntax identifier && identifier.Identifier.ValueText == index.Identifier.ValueText;
}
