namespace SmartLock.Server.Accounts;

/// <summary>Section <c>Jwt</c>.</summary>
internal sealed class JwtOptions
{
    public const int MinKeyBytes = 32;

    private const int MaxMinutes = 24 * 60;

    /// <summary>Base64 of at least 32 random bytes. When absent, a key is made and kept in the data folder.</summary>
    public string? SigningKey { get; init; }

    public string Issuer { get; init; } = "smartlock";

    public string Audience { get; init; } = "smartlock";

    public int AccessTokenMinutes { get; init; } = 15;

    public static string? Check(JwtOptions options)
    {
        if (!string.IsNullOrEmpty(options.SigningKey) && Accounts.SigningKey.Decode(options.SigningKey) is null)
        {
            return $"Jwt:SigningKey must be base64 of at least {MinKeyBytes} random bytes; `openssl rand -base64 32` makes one.";
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
