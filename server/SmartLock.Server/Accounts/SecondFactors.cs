using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace SmartLock.Server.Accounts;

internal enum SecondFactorVerdict
{
    Right,
    Missing,
    Wrong,

    /// <summary>Too many wrong codes; not even looked at.</summary>
    TooSoon,
}

/// <param name="RetryAfter">Set for TooSoon.</param>
internal sealed record SecondFactorCheck(SecondFactorVerdict Verdict, TimeSpan RetryAfter = default);

/// <param name="Secret">In base 32, for people to type.</param>
/// <param name="Uri">The same as an otpauth URI, for an authenticator app.</param>
internal sealed record PendingSecondFactor(string Secret, string Uri)
{
    public override string ToString() => "Pending second factor";
}

/// <param name="Factor">Set for Pending.</param>
internal sealed record BeginResult(BeginSecondFactorOutcome Outcome, PendingSecondFactor? Factor = null);

/// <param name="RecoveryCodes">Set for Enabled; shown once.</param>
internal sealed record ConfirmResult(ConfirmSecondFactorOutcome Outcome, IReadOnlyList<string>? RecoveryCodes = null)
{
    public override string ToString() => $"Confirmation: {Outcome}";
}

/// <summary>Second factors: codes of an authenticator app, and recovery codes for when it is lost.</summary>
internal sealed partial class SecondFactors(
    ISecondFactorStore store, IDataProtectionProvider protection, LoginThrottle slowdown, TimeProvider clock, ILogger<SecondFactors> log)
{
    private const string Issuer = "SmartLock";

    public async Task<BeginResult> BeginAsync(string username, CancellationToken ct)
    {
        var secret = RandomNumberGenerator.GetBytes(Totp.SecretBytes);
        var outcome = await store.BeginAsync(username, ProtectorFor(username).Protect(secret), ct);
        if (outcome != BeginSecondFactorOutcome.Pending)
        {
            return new BeginResult(outcome);
        }

        return new BeginResult(outcome, new PendingSecondFactor(Totp.TextOf(secret), Totp.UriOf(secret, username, Issuer)));
    }

    /// <summary>Null when the code is wrong.</summary>
    public async Task<ConfirmResult?> ConfirmAsync(string username, string code, CancellationToken ct)
    {
        var pending = await store.FindAsync(username, ct);
        if (pending is null or { IsConfirmed: true })
        {
            return new ConfirmResult(ConfirmSecondFactorOutcome.NotPending);
        }

        if (StepOf(username, pending, code) is not { } step)
        {
            return null;
        }

        var codes = RecoveryCodes.NewSet();
        var outcome = await store.ConfirmAsync(username, pending.ProtectedSecret, step, Hashes(codes), clock.GetUtcNow(), ct);
        return new ConfirmResult(outcome, outcome == ConfirmSecondFactorOutcome.Enabled ? codes : null);
    }

    /// <summary>Null when no second factor is enabled.</summary>
    public async Task<IReadOnlyList<string>?> RenewRecoveryCodesAsync(string username, CancellationToken ct)
    {
        var codes = RecoveryCodes.NewSet();
        return await store.ReplaceRecoveryCodesAsync(username, Hashes(codes), clock.GetUtcNow(), ct) == SecondFactorOutcome.Done ? codes : null;
    }

    public Task<SecondFactorOutcome> RemoveAsync(string username, string actor, CancellationToken ct) =>
        store.RemoveAsync(username, actor, clock.GetUtcNow(), ct);

    /// <summary>
    /// Of an account that has one. Recovery codes are too long to be guessed and are not held up by wrong codes: who has one gets in.
    /// </summary>
    public async Task<SecondFactorCheck> CheckAsync(string username, string? code, string? recoveryCode, CancellationToken ct)
    {
        if (code is not null)
        {
            return await CheckCodeAsync(username, code, ct);
        }

        if (recoveryCode is null)
        {
            return new SecondFactorCheck(SecondFactorVerdict.Missing);
        }

        return RecoveryCodes.HashOf(recoveryCode) is { } hash
            && await store.UseRecoveryCodeAsync(username, hash, ct) == UseRecoveryCodeOutcome.Accepted
                ? new SecondFactorCheck(SecondFactorVerdict.Right)
                : new SecondFactorCheck(SecondFactorVerdict.Wrong);
    }

    private async Task<SecondFactorCheck> CheckCodeAsync(string username, string code, CancellationToken ct)
    {
        using var attempt = slowdown.TryBeginCode(username, out var wait);
        if (attempt is null)
        {
            return new SecondFactorCheck(SecondFactorVerdict.TooSoon, wait);
        }

        if (await store.FindAsync(username, ct) is { IsConfirmed: true } factor
            && StepOf(username, factor, code) is { } step
            && await store.UseStepAsync(username, step, ct) == UseCodeOutcome.Accepted)
        {
            attempt.Succeeded();
            return new SecondFactorCheck(SecondFactorVerdict.Right);
        }

        attempt.Failed();
        return new SecondFactorCheck(SecondFactorVerdict.Wrong);
    }

    private long? StepOf(string username, SecondFactor factor, string code)
    {
        try
        {
            return Totp.Match(ProtectorFor(username).Unprotect(factor.ProtectedSecret), code, clock.GetUtcNow());
        }
        catch (CryptographicException e)
        {
            // Nobody's code can be right then; recovery codes are, and an admin can remove the factor.
            LogUnreadable(e, username);
            return null;
        }
    }

    private static List<byte[]> Hashes(IReadOnlyList<string> codes) => [.. codes.Select(c => RecoveryCodes.HashOf(c)!)];

    /// <summary>Bound to the account, so that a secret copied to another row is none.</summary>
    private IDataProtector ProtectorFor(string username) =>
        protection.CreateProtector("SmartLock.SecondFactor", username.ToUpperInvariant());

    [LoggerMessage(1, LogLevel.Error, "The second factor of {Username} cannot be decrypted: are the Data Protection keys those it was stored with?")]
    private partial void LogUnreadable(Exception exception, string username);
}
