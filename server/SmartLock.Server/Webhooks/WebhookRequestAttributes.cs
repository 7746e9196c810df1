using System.ComponentModel.DataAnnotations;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

/// <summary><see cref="WebhookRules.CheckEvents"/></summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class WebhookEventsAttribute() : MinLengthAttribute(1)
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        RuleResult.Of(value is IReadOnlyList<string> events ? WebhookRules.CheckEvents(events) : null, validationContext);
}
