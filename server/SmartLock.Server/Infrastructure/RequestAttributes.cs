using System.ComponentModel.DataAnnotations;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// A rule of a feature as the framework's validation runs it. Its attribute derives from one of the framework's, so that the limits stand in the
/// OpenAPI document; the message is the rule's own.
/// </summary>
internal static class RuleResult
{
    /// <param name="fault">Why the value is refused, or null.</param>
    public static ValidationResult? Of(string? fault, ValidationContext context) =>
        fault is null ? ValidationResult.Success : new ValidationResult(fault, context.MemberName is { } member ? [member] : null);
}

/// <summary>A line of text that people read: see <see cref="TextRules"/>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class PlainTextAttribute : StringLengthAttribute
{
    /// <param name="maximumLength">Unicode characters (code points).</param>
    public PlainTextAttribute(int maximumLength)
        : base(maximumLength) => MinimumLength = 1;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        RuleResult.Of(value is string text ? TextRules.Check(text, MaximumLength) : null, validationContext);
}

/// <summary>How many items a page of a list may have.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class PageLimitAttribute() : RangeAttribute(1, PageRequest.MaxLimit)
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        RuleResult.Of(PageRequest.CheckLimit(value as int?), validationContext);
}
