using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Replicas;

/// <summary>
/// One lease as this replica holds it. It believes to hold it for less time than the store says, by a clock that nobody sets; a process that was
/// paused in between knows on waking that its time is over.
/// </summary>
internal sealed partial class Lease(string name, ILeaseStore store, ReplicaId self, TimeProvider time, ILogger log)
{
    /// <summary>
    /// With <see cref="RenewEvery"/> the reckoning is: a killed holder's lease is over after 8 s at most, another replica takes it at most 2 s later and makes
    /// up at once for the jobs that it had put off.
    /// </summary>
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(8);

    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(2);

    /// <summary>Two replicas' clocks may differ by as much before both believe to hold it.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    private readonly System.Threading.Lock _gate = new();
    private long? _takenAt;

    public bool IsHeld
    {
        get
        {
            lock (_gate)
            {
                return _takenAt is { } takenAt && time.GetElapsedTime(takenAt) < Length - Margin;
            }
        }
    }

    /// <returns>Whether it is held now and was not before.</returns>
    /// <exception cref="StoreUnavailableException"/>
    public async Task<bool> RenewAsync(CancellationToken ct)
    {
        var wasHeld = IsHeld;
        var (now, askedAt) = (time.GetUtcNow(), time.GetTimestamp());
        var isTaken = await store.TryTakeAsync(name, self.Value, now, now + Length, ct);
        lock (_gate)
        {
            _takenAt = isTaken ? askedAt : null;
        }

        if (isTaken != wasHeld)
        {
            LogChanged(log, name, isTaken ? "is this replica's now" : "is another replica's now");
        }

        return isTaken && !wasHeld;
    }

    /// <summary>Nothing where it is not held.</summary>
    /// <exception cref="StoreUnavailableException">It ends by itself.</exception>
    public async Task ReleaseAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            if (_takenAt is null)
            {
                return;
            }

            _takenAt = null;
        }

        await store.ReleaseAsync(name, self.Value, ct);
        LogChanged(log, name, "was given up");
    }

    [LoggerMessage(1, LogLevel.Information, "The lease of {Name} {What}")]
    private static partial void LogChanged(ILogger log, string name, string what);
}
