
namespace SmartLock.Server.Locks;

/// <summary>A lock as its <c>lock</c> event shows it: its state when the event is made, not each one that it went through.</summary>
internal sealed record LockEvent(string DeviceId, LockStatus Status, LockState State, string? Issue, DateTimeOffset? LastSeen);

/// <param name="Username">In any case.</param>
internal readonly record struct LiveViewer(string Username, LockAccess Access);

/// <summary>A lock's present state and who may see it, as of one moment.</summary>
/// <param name="Viewers">The owner, and those with a share that is valid now.</param>
/// <param name="OwnedSince">What was before is the business of owners before; null where nobody had the lock before.</param>
internal sealed record LiveLock(LockEvent Change, IReadOnlyList<LiveViewer> Viewers, DateTimeOffset? OwnedSince)
{
    public IReadOnlyList<string> Audience { get; } = [.. Viewers.Select(v => v.Username)];

    public bool IsSeenBy(string username) => AccessOf(username) is not null;

    public LockAccess? AccessOf(string username)
    {
        foreach (var viewer in Viewers)
        {
            if (string.Equals(viewer.Username, username, StringComparison.OrdinalIgnoreCase))
            {
                return viewer.Access;
            }
        }

        return null;
    }
}

internal interface ILiveStore
{
    /// <summary>
    /// One read for all of them. A lock's state and its audience are of the same moment, so that nobody is told a state that the lock
    /// took on after it was taken from them. Unknown devices are left out.
    /// </summary>
    Task<IReadOnlyDictionary<string, LiveLock>> FindAsync(IReadOnlyCollection<string> deviceIds, DateTimeOffset now, CancellationToken ct);
}

internal static class LiveStores
{
    /// <summary>Which of the locks the account may see now.</summary>
    public static async Task<IReadOnlySet<string>> VisibleAsync(
        this ILiveStore store,
        string username,
        IReadOnlyCollection<string> deviceIds,
        DateTimeOffset now,
        CancellationToken ct)
    {
        var found = await store.FindAsync(deviceIds, now, ct);
        return found.Where(f => f.Value.IsSeenBy(username))
            .Select(f => f.Key)
            .ToHashSet(StringComparer.Ordinal);
    }
}
