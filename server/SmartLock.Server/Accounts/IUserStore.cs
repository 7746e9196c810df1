namespace SmartLock.Server.Accounts;

internal enum CreateUserOutcome
{
    Created,
    NameTaken,
}

internal interface IUserStore
{
    Task<CreateUserOutcome> CreateAsync(User user, CancellationToken ct);

    /// <summary>By name, without case.</summary>
    Task<User?> FindAsync(string username, CancellationToken ct);

    /// <summary>Replaces the hash only if it is still <paramref name="oldHash"/>; false when another writer was first.</summary>
    Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct);

    Task<bool> AnyAdminAsync(CancellationToken ct);
}
