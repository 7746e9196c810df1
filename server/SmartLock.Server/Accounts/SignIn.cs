namespace SmartLock.Server.Accounts;

internal enum SignInOutcome
{
    SignedIn,

    /// <summary>Wrong name or wrong password; which of them, nobody is told.</summary>
    Refused,

    /// <summary>The password is right, the account disabled.</summary>
    Disabled,

    /// <summary>Too many failures; not even looked at.</summary>
    TooSoon,

    /// <summary>Too many passwords are being checked just now.</summary>
    Busy,
}

/// <param name="User">Set for SignedIn.</param>
/// <param name="RetryAfter">Set for TooSoon.</param>
internal sealed record SignInResult(SignInOutcome Outcome, User? User = null, TimeSpan RetryAfter = default);

internal sealed class SignIn(IUserStore users, Passwords passwords, LoginSlowdown slowdown)
{
    public async Task<SignInResult> TryAsync(string username, string password, string address, CancellationToken ct)
    {
        if (slowdown.TryBegin(username, address) is { } wait)
        {
            return new SignInResult(SignInOutcome.TooSoon, RetryAfter: wait);
        }

        var user = await users.FindAsync(username, ct);
        var verdict = await passwords.VerifyAsync(user, password, ct);
        if (verdict is null)
        {
            return new SignInResult(SignInOutcome.Busy);
        }

        if (user is null || verdict == PasswordVerdict.Wrong)
        {
            return new SignInResult(SignInOutcome.Refused);
        }

        slowdown.Succeeded(username, address);
        if (user.Disabled)
        {
            return new SignInResult(SignInOutcome.Disabled);
        }

        if (verdict == PasswordVerdict.RightButOutdated)
        {
            await RenewHashAsync(user, password, ct);
        }

        return new SignInResult(SignInOutcome.SignedIn, user);
    }

    /// <summary>Best effort: when it is busy, or the password was changed meanwhile, the next sign-in sees to it.</summary>
    private async Task RenewHashAsync(User user, string password, CancellationToken ct)
    {
        if (await passwords.HashAsync(password, ct) is { } hash)
        {
            await users.ReplacePasswordHashAsync(user.Username, user.PasswordHash, hash, ct);
        }
    }
}
