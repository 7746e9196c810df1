using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

internal interface IAuditStore
{
    /// <summary>
    /// Entries of the locks that <paramref name="owner"/> owns now, newest first, beginning below <paramref name="beforeId"/>;
    /// of one lock when <paramref name="deviceId"/> is given (a lock that is not the owner's gives an empty page).
    /// </summary>
    Task<Page<AuditEntry>> ListAsync(string owner, string? deviceId, long? beforeId, int limit, CancellationToken ct);
}
