using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Live;

/// <summary>
/// From what was committed to those who may know it. Telling it costs the teller nothing but a place in a queue; who may see it is
/// asked of the store here, once for all that waits.
/// </summary>
internal sealed partial class LiveFeed(
    ILiveStore store,
    LiveEvents events,
    LiveHub hub,
    WebhookQueue webhooks,
    TimeProvider time,
    ILogger<LiveFeed> log) : BackgroundService
{
    private const int MostPending = 100_000;
    private const int MostAtOnce = 1_000;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly System.Threading.Lock _gate = new();
    private readonly LogThrottle _throttle = new(time, TimeSpan.FromSeconds(10));
    private readonly AsyncSignal _something = new();
    private readonly Queue<Change> _pending = new();
    private readonly HashSet<string> _pendingLocks = new(StringComparer.Ordinal);
    private List<Change> _taken = [];
    private bool _lost;

    /// <param name="deviceIds">Locks whose status, state or issue is another in the store now.</param>
    public void LocksChanged(IReadOnlyCollection<string> deviceIds)
    {
        if (deviceIds.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            foreach (var deviceId in deviceIds)
            {
                // The event tells the state of when it is made: a lock that waits already needs no second place.
                if (_pendingLocks.Add(deviceId) && !TryAdd(new Change(deviceId, null)))
                {
                    _pendingLocks.Remove(deviceId);
                }
            }
        }

        _something.Set();
    }

    /// <param name="commands">As they are in the store now.</param>
    public void CommandsChanged(IReadOnlyCollection<Command> commands)
    {
        if (commands.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            foreach (var command in commands)
            {
                TryAdd(new Change(command.DeviceId, command));
            }
        }

        _something.Set();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await _something.WaitAsync(stoppingToken);
                await DrainAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                // Whatever it was, this loop must outlive it: without it nobody would be told anything again.
                LogTrouble(e);
                await Task.Delay(RetryAfter, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                _something.Set();
            }
        }
    }

    /// <summary>What the last batches of the devices changed still goes to the webhooks' queue.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await DrainAsync(cancellationToken);
        }
        catch (StoreUnavailableException e)
        {
            LogTrouble(e);
        }
    }

    private async Task DrainAsync(CancellationToken ct)
    {
        while (Take() is { Count: > 0 } batch)
        {
            await TellAsync(batch, ct);

            // Only now: what could not be told is taken again, in its old place.
            _taken = [];
        }
    }

    private async Task TellAsync(List<Change> batch, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var seen = await store.FindAsync(batch.Select(c => c.DeviceId).ToHashSet(StringComparer.Ordinal), now, ct);
        List<LiveEvent> made =
        [
            .. from change in batch
               where seen.ContainsKey(change.DeviceId)
               let found = seen[change.DeviceId]
               select change.Command is { } command ? events.OfCommand(command, found, now) : events.OfLock(found, now),
        ];
        hub.Publish(made);
        webhooks.Add(made);
    }

    private List<Change> Take()
    {
        if (_taken.Count > 0)
        {
            return _taken;
        }

        bool lost;
        lock (_gate)
        {
            lost = _lost;
            _lost = false;
            while (_taken.Count < MostAtOnce && _pending.TryDequeue(out var change))
            {
                _taken.Add(change);
                if (change.Command is null)
                {
                    _pendingLocks.Remove(change.DeviceId);
                }
            }
        }

        if (lost)
        {
            LogLost(MostPending);
            hub.Forget();
        }

        return _taken;
    }

    private bool TryAdd(Change change)
    {
        if (_pending.Count >= MostPending)
        {
            _lost = true;
            return false;
        }

        _pending.Enqueue(change);
        return true;
    }

    private void LogTrouble(Exception e)
    {
        if (!_throttle.TryEnter(out _))
        {
            return;
        }

        if (e is StoreUnavailableException)
        {
            LogNotTold(e.Message);
            return;
        }

        LogFailed(e);
    }

    [LoggerMessage(1, LogLevel.Warning, "Live events wait in memory: {Reason}")]
    private partial void LogNotTold(string reason);

    [LoggerMessage(2, LogLevel.Error, "Live events could not be made and will be tried again")]
    private partial void LogFailed(Exception e);

    [LoggerMessage(3, LogLevel.Warning, "More than {Most} changes waited to be told: listeners are sent to read again, webhooks miss some")]
    private partial void LogLost(int most);

    /// <param name="Command">Null for a change of the lock itself.</param>
    private readonly record struct Change(string DeviceId, Command? Command);
}
