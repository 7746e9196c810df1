using System.ComponentModel.DataAnnotations;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

/// <summary><see cref="LockRules.IsDeviceId"/></summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class DeviceIdAttribute() : RegularExpressionAttribute(LockRules.DeviceIdPattern)
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        RuleResult.Of(value is string id && !LockRules.IsDeviceId(id) ? LockRules.DeviceIdRule : null, validationContext);
}

/// <summary>What can be a claim code: see <see cref="ClaimCode"/>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class ClaimCodeAttribute() : StringLengthAttribute(ClaimCode.MaxTypedLength)
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        RuleResult.Of(value is string code && ClaimCode.HashOf(code) is null ? ClaimCode.Rule : null, validationContext);
}
