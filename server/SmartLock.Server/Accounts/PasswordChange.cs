namespace SmartLock.Server.Accounts;

internal sealed class PasswordChange(SignIn signIn, IUserStore users, Passwords passwords, Sessions sessions, TimeProvider clock)
{
    /// <summary>Puts a password that <see cref="AccountRules"/> found no fault with in place of the present one, and ends all sessions.</summary>
    /// <returns>With the account as it stands after, or why nothing was changed.</returns>
    /// <param name="proof">With the present password, and a code where the account has a second factor: whoever is left with a session alone keeps no account.</param>
    public async Task<SignInResult> TryAsync(Proof proof, string next, string address, CancellationToken ct)
    {
        var result = await signIn.TryAsync(proof with { IsSignedIn = true }, address, ct);
        if (result.User is not { } user)
        {
            return result;
        }

        if (await passwords.HashAsync(next, HashingTurn.OfSignIn(address, isKnown: true), ct) is not { } hash)
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
