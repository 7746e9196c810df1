namespace SmartLock.Server.Accounts;

/// <summary>Section <c>Accounts</c>.</summary>
internal sealed class AccountOptions
{
    /// <summary>OWASP's present advice for PBKDF2 with HMAC-SHA512.</summary>
    private const int Advised = 210_000;

    private const int Fewest = 100_000;
    private const int Most = 10_000_000;

    /// <summary>PBKDF2 rounds of a new password hash; older hashes are renewed when their owner signs in.</summary>
    public int PasswordIterations { get; init; } = Advised;

    public static string? Check(AccountOptions options) => options.PasswordIterations is < Fewest or > Most
        ? $"Accounts:PasswordIterations must be between {Fewest} and {Most}."
        : null;
}
