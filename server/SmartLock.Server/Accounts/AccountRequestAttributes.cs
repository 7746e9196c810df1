using System.ComponentModel.DataAnnotations;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>A name that an account can have: <see cref="AccountRules.CheckUsernameForm"/>. Reserved ones are refused later.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class UsernameAttribute() : RegularExpressionAttribute(AccountRules.UsernamePattern)
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        RuleResult.Of(value is string name ? AccountRules.CheckUsernameForm(name) : null, validationContext);
}

/// <summary>A password that is to be set: <see cref="AccountRules.CheckPassword"/>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class NewPasswordAttribute : StringLengthAttribute
{
    public NewPasswordAttribute()
        : base(AccountRules.MaxPasswordLength) => MinimumLength = AccountRules.MinPasswordLength;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        RuleResult.Of(value is string password ? AccountRules.CheckPassword(password, username: "") : null, validationContext);
}

/// <summary><see cref="AccountRules.CheckEmail"/></summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class EmailAttribute() : StringLengthAttribute(AccountRules.MaxEmailLength)
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        RuleResult.Of(AccountRules.CheckEmail(value as string), validationContext);
}
