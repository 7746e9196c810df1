namespace SmartLock.Server.Accounts;

public enum Role
{
    User,
    Admin,
}

/// <summary>
/// An account. <paramref name="Username"/> is the name as it was chosen; names are compared without case and are never given
/// to anybody else again, since locks and log entries carry them.
/// </summary>
internal sealed record User(string Username, string? Email, string PasswordHash, Role Role, DateTimeOffset CreatedAt, bool Disabled)
{
    /// <summary>Counts the passwords it has had; a hash that is merely renewed leaves it alone.</summary>
    public long PasswordVersion { get; init; }

    public bool HasSecondFactor { get; init; }

    /// <summary>Without the hash: records print all their members.</summary>
    public override string ToString() => $"User {Username} ({Role})";
}
