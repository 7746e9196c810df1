namespace SmartLock.Server.Live;

/// <summary>A lock's present state and who may see it, as of one moment.</summary>
/// <param name="Audience">The owner, and those with a share that is valid now; user names in any case.</param>
internal sealed record LiveLock(LockEvent Change, IReadOnlyList<string> Audience);

internal interface ILiveStore
{
    /// <summary>
    /// One read for all of them. A lock's state and its audience are of the same moment, so that nobody is told a state that the lock
    /// took on after it was taken from them. Unknown devices are left out.
    /// </summary>
    Task<IReadOnlyDictionary<string, LiveLock>> FindAsync(IReadOnlyCollection<string> deviceIds, DateTimeOffset now, CancellationToken ct);

    /// <summary>Which of the locks the account may see now.</summary>
    Task<IReadOnlySet<string>> VisibleAsync(string username, IReadOnlyCollection<string> deviceIds, DateTimeOffset now, CancellationToken ct);
}
