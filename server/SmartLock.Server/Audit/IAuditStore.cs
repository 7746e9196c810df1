using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <summary>Which entries are asked for; null is any.</summary>
/// <param name="Actor">A user name without regard to case, or an actor that is no account, such as <c>system</c>.</param>
/// <param name="From">The first moment (UTC), inclusive.</param>
/// <param name="Until">The moment (UTC) after the last.</param>
internal sealed record AuditFilter(
    string? DeviceId = null,
    string? Actor = null,
    string? Action = null,
    DateTimeOffset? From = null,
    DateTimeOffset? Until = null)
{
    public static readonly AuditFilter None = new();
}

/// <summary>
/// Entries are written by the other stores, each inside the transaction of what it tells of; this one reads them. A page looks at a bounded
/// number of entries, so that one with few matches may be shorter than asked for, or empty, and still have a next.
/// </summary>
internal interface IAuditStore
{
    /// <summary>
    /// Entries of the locks that <paramref name="owner"/> owns now, newest first, beginning below <paramref name="beforeId"/> (a lock that
    /// is not the owner's gives an empty page). What was before they had the lock is not theirs to read.
    /// </summary>
    Task<Page<AuditEntry>> ListAsync(string owner, AuditFilter filter, long? beforeId, int limit, CancellationToken ct);

    /// <summary>Entries of all locks and accounts, for admins.</summary>
    Task<Page<AuditEntry>> ListAllAsync(AuditFilter filter, long? beforeId, int limit, CancellationToken ct);

    /// <summary>Entries as they are stored, ordered by lock and sequence, of one lock or of all, beginning after <paramref name="after"/>.</summary>
    Task<IReadOnlyList<ChainRow>> ReadChainsAsync(string? deviceId, ChainPosition? after, int limit, CancellationToken ct);

    /// <summary>
    /// Locks that must have entries, since they are registered or have a recorded end of their chain, and have none, and
    /// <see cref="AuditSubjects.Accounts"/> where there are accounts without any; ordered,
    /// beginning after <paramref name="afterDeviceId"/>.
    /// </summary>
    Task<IReadOnlyList<string>> FindVanishedAsync(string? deviceId, string? afterDeviceId, int limit, CancellationToken ct);

    /// <summary>All accounts, deleted ones included, ordered by id, beginning after <paramref name="afterId"/>.</summary>
    Task<IReadOnlyList<AccountBinding>> ReadAccountsAsync(string? afterId, int limit, CancellationToken ct);
}
