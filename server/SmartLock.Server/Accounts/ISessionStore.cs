namespace SmartLock.Server.Accounts;

internal enum OpenSessionOutcome
{
    Opened,

    /// <summary>Since the password was checked, it was changed, a second factor enabled, or the account disabled or deleted.</summary>
    Stale,
}

/// <param name="Ended">Those not used for longest, which had to make room.</param>
internal sealed record OpenSessionResult(OpenSessionOutcome Outcome, IReadOnlyList<string> Ended);

internal enum RotateOutcome
{
    Rotated,

    /// <summary>The token had been used before: somebody has a copy. Its session is ended.</summary>
    Reused,

    /// <summary>No such token, or its session has expired.</summary>
    Unknown,

    Disabled,
}

/// <param name="Account">Whose session it is, or was; null for Unknown.</param>
internal sealed record RotateResult(RotateOutcome Outcome, SessionAccount? Account = null);

/// <param name="TokenHash">Of the token that is good from now on.</param>
internal sealed record Rotation(byte[] PresentedHash, byte[] TokenHash, DateTimeOffset Now, DateTimeOffset ExpiresAt, string Address);

internal enum EndSessionOutcome
{
    Ended,
    NotFound,
}

/// <summary>Sessions and their refresh tokens, of which it holds SHA-256 hashes only. Accounts are named without regard to case.</summary>
internal interface ISessionStore
{
    /// <summary>Remembers the network that the session was opened from.</summary>
    /// <param name="user">As it was when it was checked; opened only if that check would do still.</param>
    /// <param name="most">How many sessions the account may have, this one included.</param>
    Task<OpenSessionResult> OpenAsync(User user, NewSession session, int most, CancellationToken ct);

    /// <summary>Whether there is any session at all, expired ones included.</summary>
    Task<bool> AnyAsync(CancellationToken ct);

    /// <summary>Whether the account was signed in from there before, among the <see cref="KnownNetworks.Most"/> networks of late.</summary>
    /// <param name="network">See <see cref="Infrastructure.ClientAddress.NetworkOf"/>.</param>
    Task<bool> IsKnownNetworkAsync(string username, string network, CancellationToken ct);

    /// <summary>Null when the session has ended or expired, or its account is disabled.</summary>
    Task<SessionAccount?> FindAsync(string sessionId, DateTimeOffset now, CancellationToken ct);

    /// <summary>
    /// Takes a refresh token once and puts the next in its place. Used ones are remembered as far back as <see cref="UsedTokens.Remembered"/>.
    /// </summary>
    Task<RotateResult> RotateAsync(Rotation rotation, CancellationToken ct);

    /// <summary>The account's live sessions, newest first.</summary>
    Task<IReadOnlyList<Session>> ListAsync(string username, DateTimeOffset now, CancellationToken ct);

    Task<EndSessionOutcome> EndAsync(string username, string sessionId, CancellationToken ct);

    /// <summary>Ends the session that the token belongs to, used or not; null when there is none.</summary>
    Task<EndedSession?> EndByTokenAsync(byte[] tokenHash, CancellationToken ct);

    /// <summary>Ends all of the account's sessions but one.</summary>
    /// <returns>The ids of those that were ended.</returns>
    Task<IReadOnlyList<string>> EndOthersAsync(string username, string sessionId, CancellationToken ct);

    Task<IReadOnlyList<EndedSession>> DeleteExpiredAsync(DateTimeOffset now, int limit, CancellationToken ct);

    /// <summary>Puts a refused sign-in of an existing account on the record; for a name that nobody has, nothing.</summary>
    Task NoteRefusedAsync(string username, string result, DateTimeOffset now, CancellationToken ct);
}

internal static class UsedTokens
{
    /// <summary>Per session. A copy of an older one is refused like any unknown token, and gives nothing away.</summary>
    public const int Remembered = 50;
}

internal static class KnownNetworks
{
    /// <summary>Per account; one more forgets the one not signed in from for longest.</summary>
    public const int Most = 16;
}
