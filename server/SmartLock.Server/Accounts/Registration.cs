using Microsoft.Extensions.Options;

namespace SmartLock.Server.Accounts;

internal enum RegisterOutcome
{
    Registered,
    NameTaken,

    /// <summary>Accounts are made by admins here (<c>Accounts:OpenRegistration</c>).</summary>
    Closed,

    /// <summary>Too many passwords are being hashed just now.</summary>
    Busy,
}

/// <summary>Makes accounts that <see cref="AccountRules"/> found no fault with.</summary>
internal sealed class Registration(IUserStore users, Passwords passwords, IOptions<AccountOptions> options, TimeProvider clock)
{
    /// <summary>By a stranger, for an account of their own.</summary>
    /// <param name="address">As in <see cref="Infrastructure.ClientAddress"/>.</param>
    public Task<RegisterOutcome> SignUpAsync(string username, string password, string? email, string address, CancellationToken ct) =>
        options.Value.OpenRegistration
            ? RegisterAsync(username, password, email, Role.User, username, HashingTurn.OfRegistration(address), ct)
            : Task.FromResult(RegisterOutcome.Closed);

    /// <summary>By an admin, or on the command line.</summary>
    /// <param name="actor">Who makes the account.</param>
    public Task<RegisterOutcome> RegisterAsync(string username, string password, string? email, Role role, string actor, CancellationToken ct) =>
        RegisterAsync(username, password, email, role, actor, HashingTurn.Operator, ct);

    private async Task<RegisterOutcome> RegisterAsync(
        string username, string password, string? email, Role role, string actor, HashingTurn turn, CancellationToken ct)
    {
        // Spares the hashing; who is first among those that come at once, the store decides.
        if (await users.FindAsync(username, ct) is not null)
        {
            return RegisterOutcome.NameTaken;
        }

        if (await passwords.HashAsync(password, turn, ct) is not { } hash)
        {
            return RegisterOutcome.Busy;
        }

        var user = new User(username, email, hash, role, clock.GetUtcNow(), Disabled: false);
        return await users.CreateAsync(user, actor, ct) switch
        {
            CreateUserOutcome.Created => RegisterOutcome.Registered,
            CreateUserOutcome.NameTaken => RegisterOutcome.NameTaken,
        };
    }

    /// <summary>Null when too many passwords are being hashed just now.</summary>
    public async Task<FirstAdminOutcome?> RegisterFirstAdminAsync(string username, string password, CancellationToken ct) =>
        await passwords.HashAsync(password, HashingTurn.Operator, ct) is { } hash
            ? await users.CreateFirstAdminAsync(new User(username, null, hash, Role.Admin, clock.GetUtcNow(), Disabled: false), ct)
            : null;
}
