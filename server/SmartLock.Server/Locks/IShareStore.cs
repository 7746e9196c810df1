namespace SmartLock.Server.Locks;

/// <summary>What a share lets its holder do.</summary>
public enum ShareRole
{
    Viewer,
    Operator,
}

/// <param name="From">UTC; null when it held from the beginning.</param>
/// <param name="Until">UTC; null when it holds until it is revoked.</param>
internal sealed record Share(string Username, ShareRole Role, DateTimeOffset? From, DateTimeOffset? Until, DateTimeOffset CreatedAt);

internal enum GrantShareOutcome
{
    Granted,

    /// <summary>There was one for this account, which this one took the place of.</summary>
    Replaced,
    LockNotFound,
    NotOwner,

    /// <summary>No such account, or it is disabled.</summary>
    UserNotFound,

    /// <summary>Owners need no share of their own lock.</summary>
    Oneself,
    TooManyShares,
}

/// <param name="Share">As it is stored; set when granted or replaced.</param>
internal sealed record GrantResult(GrantShareOutcome Outcome, Share? Share = null);

internal enum RevokeShareOutcome
{
    Revoked,
    LockNotFound,
    NotOwner,
    ShareNotFound,
}

/// <param name="NotOwner">The lock is shared with the asker: its shares are its owner's to see.</param>
/// <param name="Shares">By name; null when there is no such lock for the asker, or he is not its owner.</param>
internal sealed record ShareList(bool NotOwner, IReadOnlyList<Share>? Shares);

/// <summary>Every change is written together with its log entry, or neither; durably. Names are compared without case.</summary>
internal interface IShareStore
{
    /// <summary>Those that hold or will hold.</summary>
    Task<ShareList> ListAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct);

    /// <param name="maxPerLock">Two grants at once cannot pass it together. Shares that have ended do not count.</param>
    Task<GrantResult> GrantAsync(LockChange change, Share share, int maxPerLock, CancellationToken ct);

    /// <summary>By the owner; or by the one it is shared with, who may leave even before it holds.</summary>
    Task<RevokeShareOutcome> RevokeAsync(LockChange change, string username, CancellationToken ct);
}
