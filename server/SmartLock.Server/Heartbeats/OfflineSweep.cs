using Microsoft.Extensions.Options;
using Quartz;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Heartbeats;

/// <summary>Finds the devices that fell silent.</summary>
[DisallowConcurrentExecution]
[JudgesDevices]
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
    private static readonly TimeSpan ClockStep = TimeSpan.FromSeconds(2);
    private (DateTimeOffset Now, long Timestamp)? _last;
    private DateTimeOffset _settledAt;

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

    /// <returns>How many devices were found silent.</returns>
    /// <exception cref="StoreUnavailableException">Nobody was flagged, or not all; the next run goes on.</exception>
    public async Task<int> RunAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var offlineAfter = options.Value.OfflineAfter;

        // While the server itself was deaf (just started, broker away) a device's silence says nothing about the device.
        if (link.ListeningSince is not { } since || now - since < offlineAfter || IsClockSettling(now, offlineAfter))
        {
            return 0;
        }

        // Nor does it for as long as a replica that was lost may have been handed what devices said.
        var silentFor = offlineAfter + lost.Muffled(offlineAfter);

        // What was heard counts, even if a slow store has not got it yet.
        await writer.FlushAsync(ct);
        var found = 0;
        IReadOnlyList<string> silent;
        do
        {
            silent = await store.MarkSilentAsync(now - silentFor, now, BatchSize, ct);
            found += silent.Count;
            changed.Publish(new LocksChanged(silent));
            foreach (var deviceId in silent)
            {
                LogSilent(deviceId);
            }
        }
        while (silent.Count == BatchSize);

        return found;
    }

    /// <summary>
    /// Whether the machine's clock was set within the last <paramref name="offlineAfter"/>: a jump ahead makes every device look silent, until
    /// each has been heard by the new time.
    /// </summary>
    private bool IsClockSettling(DateTimeOffset now, TimeSpan offlineAfter)
    {
        var timestamp = time.GetTimestamp();
        if (_last is { } last && (now - last.Now - time.GetElapsedTime(last.Timestamp, timestamp)).Duration() > ClockStep)
        {
            _settledAt = now + offlineAfter;
            LogClockSet();
        }

        _last = (now, timestamp);
        return now < _settledAt && _settledAt - now <= offlineAfter;
    }

    [LoggerMessage(3, LogLevel.Warning, "The machine's clock was set; silent devices are looked for again once all had time to be heard")]
    private partial void LogClockSet();

    [LoggerMessage(1, LogLevel.Information, "{DeviceId} is Unavailable: no heartbeat")]
    private partial void LogSilent(string deviceId);

    [LoggerMessage(2, LogLevel.Warning, "The search for silent devices was put off: {Reason}")]
    private partial void LogSkipped(string reason);
}
