namespace SmartLock.Server.Accounts;

internal enum RegisterOutcome
{
    Registered,
    NameTaken,

    /// <summary>Too many passwords are being hashed just now.</summary>
    Busy,
}

/// <summary>Makes accounts that <see cref="AccountRules"/> found no fault with.</summary>
internal sealed class Registration(IUserStore users, Passwords passwords, TimeProvider clock)
{
    public async Task<RegisterOutcome> RegisterAsync(string username, string password, string? email, Role role, CancellationToken ct)
    {
        // Spares the hashing; who is first among those that come at once, the store decides.
        if (await users.FindAsync(username, ct) is not null)
        {
            return RegisterOutcome.NameTaken;
        }

        if (await passwords.HashAsync(password, ct) is not { } hash)
        {
            return RegisterOutcome.Busy;
        }

        var user = new User(username, email, hash, role, clock.GetUtcNow(), Disabled: false);
        return await users.CreateAsync(user, ct) switch
        {
            CreateUserOutcome.Created => RegisterOutcome.Registered,
            CreateUserOutcome.NameTaken => RegisterOutcome.NameTaken,
        };
    }

    /// <summary>Null when too many passwords are being hashed just now.</summary>
    public async Task<FirstAdminOutcome?> RegisterFirstAdminAsync(string username, string password, CancellationToken ct) =>
        await passwords.HashAsync(password, ct) is { } hash
            ? await users.CreateFirstAdminAsync(new User(username, null, hash, Role.Admin, clock.GetUtcNow(), Disabled: false), ct)
            : null;
}
