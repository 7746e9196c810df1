namespace SmartLock.Server.Accounts;

internal enum BeginSecondFactorOutcome
{
    Pending,
    AlreadyEnabled,

    /// <summary>Deleted since it was asked for.</summary>
    NoAccount,
}

internal enum ConfirmSecondFactorOutcome
{
    Enabled,

    /// <summary>Begun anew or confirmed by somebody else meanwhile.</summary>
    NotPending,
}

internal enum UseCodeOutcome
{
    Accepted,

    /// <summary>Its time step, or a later one, has been used before.</summary>
    Replayed,
}

internal enum UseRecoveryCodeOutcome
{
    Accepted,

    /// <summary>None of the account's, or used before.</summary>
    Unknown,
}

internal enum SecondFactorOutcome
{
    Done,
    NotEnabled,
}

/// <param name="ProtectedSecret">Encrypted.</param>
internal sealed record SecondFactor(byte[] ProtectedSecret, bool IsConfirmed);

/// <summary>Second factors of accounts, which are named without regard to case. Of recovery codes it holds hashes only.</summary>
internal interface ISecondFactorStore
{
    Task<SecondFactor?> FindAsync(string username, CancellationToken ct);

    /// <summary>Keeps a secret that does not count yet, in place of an earlier one that never did.</summary>
    Task<BeginSecondFactorOutcome> BeginAsync(string username, byte[] protectedSecret, CancellationToken ct);

    /// <param name="pending">What the code was checked against; it must still be the pending secret.</param>
    /// <param name="step">Of the code that confirmed it, which is thereby used.</param>
    Task<ConfirmSecondFactorOutcome> ConfirmAsync(
        string username, byte[] pending, long step, IReadOnlyList<byte[]> recoveryHashes, DateTimeOffset now, CancellationToken ct);

    /// <summary>Each time step is accepted once, and none before one that was.</summary>
    Task<UseCodeOutcome> UseStepAsync(string username, long step, CancellationToken ct);

    Task<UseRecoveryCodeOutcome> UseRecoveryCodeAsync(string username, byte[] hash, CancellationToken ct);

    Task<SecondFactorOutcome> ReplaceRecoveryCodesAsync(
        string username, IReadOnlyList<byte[]> hashes, DateTimeOffset now, CancellationToken ct);

    /// <summary>One that is only pending is not enabled, but goes as well.</summary>
    /// <param name="actor">The account itself, or an admin.</param>
    Task<SecondFactorOutcome> RemoveAsync(string username, string actor, DateTimeOffset now, CancellationToken ct);
}
