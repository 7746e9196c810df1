using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal enum SignInOutcome
{
    SignedIn,

    /// <summary>Wrong name or wrong password; which of them, nobody is told.</summary>
    Refused,

    /// <summary>The password is right, the account disabled.</summary>
    Disabled,

    /// <summary>The password is right, and the account wants a code as well.</summary>
    SecondFactorRequired,

    /// <summary>The password is right, the code is not, or was used before.</summary>
    SecondFactorWrong,

    /// <summary>Too many failures; not even looked at.</summary>
    TooSoon,

    /// <summary>Too many passwords are being checked just now.</summary>
    Busy,
}

/// <param name="User">Set for SignedIn.</param>
/// <param name="RetryAfter">Set for TooSoon.</param>
internal sealed record SignInResult(SignInOutcome Outcome, User? User = null, TimeSpan RetryAfter = default);

/// <summary>What somebody says to prove who they are.</summary>
/// <param name="IsSignedIn">Who asks has an access token of the account already.</param>
internal sealed record Proof(string Username, string Password, string? Code = null, string? RecoveryCode = null, bool IsSignedIn = false)
{
    public override string ToString() => $"Proof of {Username}";
}

/// <summary>Checks who somebody is, for a sign-in and before what a session alone must not do.</summary>
internal sealed class SignIn(
    IUserStore users, ISessionStore sessions, Passwords passwords, SecondFactors secondFactors, LoginThrottle slowdown, TimeProvider clock)
{
    /// <summary>Password, and the second factor where there is one.</summary>
    public Task<SignInResult> TryAsync(Proof proof, string address, CancellationToken ct) => TryAsync(proof, address, true, ct);

    /// <summary>For who is signed in and has no second factor, or is about to get one.</summary>
    public Task<SignInResult> TryPasswordAsync(string username, string password, string address, CancellationToken ct) =>
        TryAsync(new Proof(username, password, IsSignedIn: true), address, false, ct);

    private async Task<SignInResult> TryAsync(Proof proof, string address, bool withSecondFactor, CancellationToken ct)
    {
        // Longer ones cannot be an account's, and hashing them would cost the more the longer they are.
        if (proof.Username.Length > AccountRules.MaxUsernameLength || proof.Password.Length > AccountRules.MaxPasswordLength)
        {
            return new SignInResult(SignInOutcome.Refused);
        }

        var isKnown = proof.IsSignedIn || await sessions.IsKnownNetworkAsync(proof.Username, ClientAddress.NetworkOf(address), ct);
        using var attempt = slowdown.TryBegin(proof.Username, address, isKnown, out var wait);
        if (attempt is null)
        {
            return new SignInResult(SignInOutcome.TooSoon, RetryAfter: wait);
        }

        var user = await users.FindAsync(proof.Username, ct);
        var turn = HashingTurn.OfSignIn(address, isKnown);
        var verdict = await passwords.VerifyAsync(user, proof.Password, turn, ct);
        if (verdict is null)
        {
            return new SignInResult(SignInOutcome.Busy);
        }

        if (user is null || verdict == PasswordVerdict.Wrong)
        {
            attempt.Failed();
            return await RefuseAsync(SignInOutcome.Refused, user, AuditResults.WrongPassword);
        }

        if (user.Disabled)
        {
            attempt.Failed();
            return await RefuseAsync(SignInOutcome.Disabled, user, AuditResults.AccountDisabled);
        }

        if (withSecondFactor && user.HasSecondFactor && await CheckSecondFactorAsync(user, proof, attempt, ct) is { } refusal)
        {
            return refusal;
        }

        attempt.Succeeded();
        if (verdict == PasswordVerdict.RightButOutdated)
        {
            await RenewHashAsync(user, proof.Password, turn, ct);
        }

        return new SignInResult(SignInOutcome.SignedIn, user);
    }

    /// <summary>Null when it is right. A code not given is no failure, and no success that would make earlier failures forgotten.</summary>
    private async Task<SignInResult?> CheckSecondFactorAsync(User user, Proof proof, LoginThrottle.Attempt attempt, CancellationToken ct)
    {
        var check = await secondFactors.CheckAsync(user.Username, proof.Code, proof.RecoveryCode, ct);
        switch (check.Verdict)
        {
            case SecondFactorVerdict.Right:
                return null;
            case SecondFactorVerdict.Missing:
                return new SignInResult(SignInOutcome.SecondFactorRequired);
            case SecondFactorVerdict.TooSoon:
                return new SignInResult(SignInOutcome.TooSoon, RetryAfter: check.RetryAfter);
            default:
                attempt.Failed();
                return await RefuseAsync(SignInOutcome.SecondFactorWrong, user, AuditResults.WrongSecondFactor);
        }
    }

    /// <summary>Goes on the record even if the guesser has hung up meanwhile.</summary>
    private async Task<SignInResult> RefuseAsync(SignInOutcome outcome, User? user, string result)
    {
        if (user is not null && slowdown.TryRecord(user.Username, result))
        {
            await sessions.NoteRefusedAsync(user.Username, result, clock.GetUtcNow(), CancellationToken.None);
        }

        return new SignInResult(outcome);
    }

    /// <summary>Best effort: when it is busy, or the password was changed meanwhile, the next sign-in sees to it.</summary>
    private async Task RenewHashAsync(User user, string password, HashingTurn turn, CancellationToken ct)
    {
        if (await passwords.HashAsync(password, turn, ct) is { } hash)
        {
            await users.ReplacePasswordHashAsync(user.Username, user.PasswordHash, hash, ct);
        }
    }
}
