namespace SmartLock.Server.Accounts;

internal sealed class PasswordChange(SignIn signIn, IUserStore users, Passwords passwords, Sessions sessions, TimeProvider clock)
{
    /// <summary>Puts a password that <see cref="AccountRules"/> found no fault with in place of the present one, and ends all sessions.</summary>
    /// <returns>With the account as it stands after, or why nothing was changed.</returns>
    public async Task<SignInResult> TryAsync(string username, string current, string next, string address, CancellationToken ct)
    {
        var result = await signIn.TryPasswordAsync(username, current, address, ct);
        if (result.User is not { } user)
        {
            return result;
        }

        if (await passwords.HashAsync(next, ct) is not { } hash)
        {
            return new SignInResult(SignInOutcome.Busy);
        }

        if (await users.ChangePasswordAsync(user, hash, clock.GetUtcNow(), ct) == ChangePasswordOutcome.Stale)
        {
            return new SignInResult(SignInOutcome.Refused);
        }

        sessions.Forget(user.Username);
        return result with { User = user with { PasswordHash = hash, PasswordVersion = user.PasswordVersion + 1 } };
    }
}
