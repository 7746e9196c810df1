using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Heartbeats;

/// <summary>
/// Stores believed reports in batches: at most every 200 ms, or as soon as 1,000 devices wait; at once when there is a verdict,
/// a restarted device or a lost connection. When many more wait than that (a fleet that comes back at once), they are stored part by part, so that a
/// command's write has its turn between. What the store refuses is kept and tried again, newest first in its place.
/// </summary>
internal sealed partial class HeartbeatWriter(
    IDeviceStore store,
    DeviceCache registry,
    VerdictWaiters waiters,
    Events<LocksChanged> locksChanged,
    Events<CommandsChanged> commandsChanged,
    CommandTelemetry telemetry,
    TimeProvider time,
    ILogger<HeartbeatWriter> log) : RepeatedService(new FailureLog(log, time, LogDelayed, LogFailed), time)
{
    private const int FullBatch = 1000;

    // Rows of the same page that share a transaction share its cost; this many hold the writer for some 50 ms, or 350 ms when all come back.
    private const int MostAtOnce = 10_000;
    private static readonly TimeSpan CoalesceFor = TimeSpan.FromMilliseconds(200);

    private readonly System.Threading.Lock _gate = new();
    private readonly SemaphoreSlim _saving = new(1, 1);
    private readonly LogThrottle _heldBack = new(time, TimeSpan.FromSeconds(10));
    private readonly WakeUp _something = new();
    private readonly WakeUp _urgent = new();
    private PendingBatch _pending = new();

    /// <param name="urgent">Not to wait for others to be stored with.</param>
    public void Add(DeviceReport report, bool urgent = false)
    {
        bool full;
        lock (_gate)
        {
            _pending.Add(report);
            full = _pending.Devices >= FullBatch;
        }

        Wake(full || urgent);
    }

    public void Add(ConnectionLoss loss)
    {
        lock (_gate)
        {
            _pending.Add(loss);
        }

        Wake(urgent: true);
    }

    public void Add(Verdict verdict, CachedDevice device)
    {
        bool added;
        lock (_gate)
        {
            added = _pending.TryAdd(new PendingVerdict(verdict, device));
        }

        if (!added)
        {
            if (_heldBack.TryEnter(out _))
            {
                LogVerdictHeldBack(verdict.CommandId);
            }

            return;
        }

        Wake(urgent: true);
    }

    /// <summary>Stores what waits now.</summary>
    /// <exception cref="StoreUnavailableException">It is kept, and will be tried again.</exception>
    public async Task FlushAsync(CancellationToken ct)
    {
        // One batch at a time: an older one must not be written after a newer one.
        await _saving.WaitAsync(ct);
        try
        {
            await SaveAsync(ct);
        }
        finally
        {
            _saving.Release();
        }
    }

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        await _something.WaitAsync(ct);
        await _urgent.WaitAsync(CoalesceFor, Time, ct);
        await FlushAsync(ct);
    }

    protected override Task FinishAsync(CancellationToken ct) => FlushAsync(ct);

    protected override void OnFailure(Exception failure) => _something.Set();

    public override void Dispose()
    {
        _saving.Dispose();
        base.Dispose();
    }

    private async Task SaveAsync(CancellationToken ct)
    {
        PendingBatch batch;
        lock (_gate)
        {
            if (_pending.IsEmpty)
            {
                return;
            }

            batch = _pending;
            _pending = new PendingBatch();
        }

        var part = batch;
        try
        {
            do
            {
                part = batch.Devices > MostAtOnce ? batch.TakePart(MostAtOnce) : batch;
                Settle(part, await store.ApplyAsync(part.ToBatch(), ct));
            }
            while (part != batch);
        }
        catch
        {
            lock (_gate)
            {
                _pending.Restore(part);
                if (part != batch)
                {
                    _pending.Restore(batch);
                }
            }

            throw;
        }
    }

    private void Settle(PendingBatch batch, DeviceBatchResult result)
    {
        foreach (var (verdict, device) in batch.Verdicts)
        {
            device.Settled = (verdict.CommandId, verdict.Result);
        }

        foreach (var command in result.Decided)
        {
            waiters.Complete(command);
            telemetry.Decided(command);
        }

        // What memory believed and the store did not: the next status is judged by what the store knows.
        foreach (var report in result.Outdated.Concat(result.Replayed))
        {
            registry.ForgetKey(report.DeviceId, report.KeyFrom);
        }

        foreach (var deviceId in result.CameBack)
        {
            LogCameBack(deviceId);
        }

        foreach (var deviceId in result.WentAway)
        {
            LogWentAway(deviceId);
        }

        // The bolt first: whoever is told that a command is done was told the position of the bolt before.
        locksChanged.Publish(new LocksChanged([.. result.Changed, .. result.CameBack, .. result.WentAway]));
        commandsChanged.Publish(new CommandsChanged(result.Decided));
    }

    private void Wake(bool urgent)
    {
        if (urgent)
        {
            _urgent.Set();
        }

        _something.Set();
    }

    [LoggerMessage(1, LogLevel.Warning, "Storing the reports of devices is delayed: {Reason}")]
    private static partial void LogDelayed(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Warning, "No room for the verdict on {CommandId}; the device's next heartbeat brings it again")]
    private partial void LogVerdictHeldBack(string commandId);

    [LoggerMessage(3, LogLevel.Information, "{DeviceId} is Available")]
    private partial void LogCameBack(string deviceId);

    [LoggerMessage(4, LogLevel.Information, "{DeviceId} is Unavailable: connection lost")]
    private partial void LogWentAway(string deviceId);

    [LoggerMessage(5, LogLevel.Error, "Reports of devices could not be stored and will be tried again")]
    private static partial void LogFailed(ILogger log, Exception e);
}
