using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>Section <c>Jwt</c>.</summary>
internal sealed class JwtOptions
{
    private const int MaxMinutes = 24 * 60;

    /// <summary>Base64 of at least 32 random bytes. When absent, a key is made and kept in the data folder.</summary>
    public string? SigningKey { get; init; }

    public string Issuer { get; init; } = "smartlock";

    public string Audience { get; init; } = "smartlock";

    public int AccessTokenMinutes { get; init; } = 15;

    public static string? Check(JwtOptions options)
    {
        if (ServerKey.Check("Jwt:SigningKey", options.SigningKey) is { } weak)
        {
            return weak;
        }

        if (string.IsNullOrWhiteSpace(options.Issuer) || string.IsNullOrWhiteSpace(options.Audience))
        {
            return "Jwt:Issuer and Jwt:Audience must not be empty.";
        }

        return options.AccessTokenMinutes is < 1 or > MaxMinutes
            ? $"Jwt:AccessTokenMinutes must be between 1 and {MaxMinutes}."
            : null;
    }
}
