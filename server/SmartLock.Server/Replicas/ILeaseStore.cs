namespace SmartLock.Server.Replicas;

/// <summary>
/// Leases by name: of all server processes on one store one holds each. Whose it is goes by the callers' clocks; two that differ by seconds may
/// both believe to hold one for as long, so that a lease saves work but decides nothing: what is done under it must be guarded by the store.
/// </summary>
internal interface ILeaseStore
{
    /// <summary>No lease is longer: what is said to last beyond was written by a clock that has been set back since, and is anybody's.</summary>
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <summary>Takes the lease where it is free, over, or the holder's already.</summary>
    /// <param name="until">No later than <see cref="Longest"/> after <paramref name="now"/>.</param>
    /// <returns>Whether it is the holder's until then.</returns>
    Task<bool> TryTakeAsync(string name, string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken ct);

    /// <summary>Frees the lease; nothing when it is another's.</summary>
    Task ReleaseAsync(string name, string holder, CancellationToken ct);
}
