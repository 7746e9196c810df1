using Microsoft.Extensions.Options;
using Quartz;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Heartbeats;

/// <summary>Marks devices offline that have stopped reporting.</summary>
[DisallowConcurrentExecution]
[NeedsDeviceReports]
internal sealed partial class OfflineSweep(
    IDeviceStore store,
    HeartbeatWriter writer,
    IDeviceLink link,
    Events<LocksChanged> changed,
    LostReplicas lost,
    IOptions<DeviceOptions> options,
    TimeProvider time,
    ILogger<OfflineSweep> log) : IJob
{
    private const int BatchSize = 1000;
    private readonly WallClock _clock = new(time);

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(cancellationToken);
        }
        catch (StoreUnavailableException e)
        {
            LogSkipped(e.Message);
        }
    }

    /// <returns>How many devices were marked offline.</returns>
    /// <exception cref="StoreUnavailableException">No device was marked, or not all; the next run goes on.</exception>
    public async Task<int> RunAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var offlineAfter = options.Value.OfflineAfter;

        // While the server itself could not receive statuses (just started, broker unreachable), a missing heartbeat says nothing about the device.
        if (!(link.ListeningFor >= offlineAfter) || IsClockSettling(offlineAfter))
        {
            return 0;
        }

        // Nor does it while a broker may still have delivered statuses to a replica that was lost.
        var offlineFor = offlineAfter + lost.GracePeriod(offlineAfter);

        // Reports that were received count, even if a slow store has not taken them yet.
        await writer.FlushAsync(ct);
        var found = 0;
        IReadOnlyList<string> silent;
        do
        {
            silent = await store.MarkOfflineAsync(now - offlineFor, now, BatchSize, ct);
            found += silent.Count;
            changed.Publish(new LocksChanged(silent));
            foreach (var deviceId in silent)
            {
                LogOffline(deviceId);
            }
        }
        while (silent.Count == BatchSize);

        return found;
    }

    /// <summary>
    /// Whether the machine's clock was set within the last <paramref name="offlineAfter"/>: by the new time every device may look offline until it has
    /// reported again.
    /// </summary>
    private bool IsClockSettling(TimeSpan offlineAfter)
    {
        if (_clock.Look() != TimeSpan.Zero)
        {
            LogClockSet();
        }

        return _clock.WasSetWithin(offlineAfter);
    }

    [LoggerMessage(3, LogLevel.Warning, "The machine's clock was set; no device is marked offline until all have had time to report")]
    private partial void LogClockSet();

    [LoggerMessage(1, LogLevel.Information, "{DeviceId} is Unavailable: no heartbeat")]
    private partial void LogOffline(string deviceId);

    [LoggerMessage(2, LogLevel.Warning, "The search for offline devices is delayed: {Reason}")]
    private partial void LogSkipped(string reason);
}
