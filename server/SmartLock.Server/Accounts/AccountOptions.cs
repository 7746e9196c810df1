namespace SmartLock.Server.Accounts;

/// <summary>Section <c>Accounts</c>.</summary>
internal sealed class AccountOptions
{
    /// <summary>OWASP's present advice for PBKDF2 with HMAC-SHA512.</summary>
    private const int Advised = 210_000;

    private const int Fewest = 100_000;
    private const int MostDays = 400;
    private const int MostSessions = 1_000;

    /// <summary>Whether whoever reaches the server may make an account; else admins make them.</summary>
    public bool OpenRegistration { get; init; } = true;

    /// <summary>What new password hashes are made with; those of the other kind are renewed when their owner signs in.</summary>
    public PasswordHashKind PasswordHasher { get; init; }

    /// <summary>BCrypt's cost of a new password hash; cheaper ones are renewed when their owner signs in.</summary>
    public int BCryptCost { get; init; } = 12;

    /// <summary>PBKDF2 rounds of a new password hash; older hashes are renewed when their owner signs in.</summary>
    public int PasswordIterations { get; init; } = Advised;

    /// <summary>A session that is not refreshed for so long is over.</summary>
    public int RefreshTokenDays { get; init; } = 30;

    /// <summary>Per account; one more ends the one not used for longest.</summary>
    public int MaxSessions { get; init; } = 50;

    public static string? Check(AccountOptions options) => options switch
    {
        { PasswordIterations: < Fewest or > PasswordHashes.MostIterations } => $"Accounts:PasswordIterations must be between {Fewest} and {PasswordHashes.MostIterations}.",
        { PasswordHasher: not (PasswordHashKind.Pbkdf2 or PasswordHashKind.BCrypt) } => "Accounts:PasswordHasher must be Pbkdf2 or BCrypt.",
        { BCryptCost: < PasswordHashes.LowestCost or > PasswordHashes.HighestCost } =>
            $"Accounts:BCryptCost must be between {PasswordHashes.LowestCost} and {PasswordHashes.HighestCost}.",
        { RefreshTokenDays: < 1 or > MostDays } => $"Accounts:RefreshTokenDays must be between 1 and {MostDays}.",
        { MaxSessions: < 1 or > MostSessions } => $"Accounts:MaxSessions must be between 1 and {MostSessions}.",
        _ => null,
    };
}
