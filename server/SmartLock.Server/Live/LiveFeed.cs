using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Replicas;
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
    Hints hints,
    TimeProvider time,
    ILogger<LiveFeed> log) : BackgroundService
{
    private const int MostPending = 100_000;
    private const int MostAtOnce = 1_000;

    private readonly System.Threading.Lock _gate = new();
    private readonly TroubleLog _trouble = new(log, time, LogNotTold, LogFailed);
    private readonly AsyncSignal _something = new();
    private readonly Queue<Change> _pending = new();
    private readonly HashSet<string> _pendingLocks = new(StringComparer.Ordinal);
    private readonly HashSet<string> _pendingLocksElsewhere = new(StringComparer.Ordinal);
    private List<Change> _taken = [];
    private bool _lost;

    /// <param name="deviceIds">Locks whose status, state or issue is another in the store now.</param>
    public void LocksChanged(IReadOnlyCollection<string> deviceIds)
    {
        Add(deviceIds, _pendingLocks, elsewhere: false);
        hints.LocksChanged(deviceIds);
    }

    /// <summary>As <see cref="LocksChanged"/>, of what another replica changed, which tells the webhooks and the other replicas itself.</summary>
    public void LocksChangedElsewhere(IReadOnlyCollection<string> deviceIds)
    {
        if (hub.HadStreams)
        {
            Add(deviceIds, _pendingLocksElsewhere, elsewhere: true);
        }
    }

    /// <param name="commands">As they are in the store now.</param>
    public void CommandsChanged(IReadOnlyCollection<Command> commands)
    {
        Add(commands, elsewhere: false);
        hints.CommandsChanged(commands);
    }

    /// <summary>Whether anybody here would be told of it.</summary>
    public bool TellsOfChangesElsewhere => hub.HadStreams;

    /// <param name="commands">As they are in the store now.</param>
    public void CommandsChangedElsewhere(IReadOnlyCollection<Command> commands)
    {
        if (hub.HadStreams)
        {
            Add(commands, elsewhere: true);
        }
    }

    /// <param name="usernames">Accounts that have another access to the lock now, or none; each is told of its own.</param>
    public void AccessChanged(string deviceId, IEnumerable<string> usernames)
    {
        List<string> names = [.. usernames.Distinct(StringComparer.OrdinalIgnoreCase)];
        Add(names.Select(username => new Change(deviceId, Username: username)));
        hints.AccessChanged(deviceId, names);
    }

    public void AccessChangedElsewhere(string deviceId, IEnumerable<string> usernames)
    {
        if (hub.HadStreams)
        {
            Add(usernames.Select(username => new Change(deviceId, Username: username, IsElsewhere: true)));
        }
    }

    /// <summary>Other replicas changed what was not heard of here: listeners are sent to read again.</summary>
    public void ForgetEverything() => hub.Forget();

    /// <summary>To be asked before all of them lose a lock.</summary>
    /// <exception cref="StoreUnavailableException"/>
    public async Task<IReadOnlyList<string>> AudienceOfAsync(string deviceId, CancellationToken ct) =>
        (await store.FindAsync([deviceId], time.GetUtcNow(), ct)).GetValueOrDefault(deviceId)?.Audience ?? [];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => LastingLoop.RunAsync(
        async ct =>
        {
            await _something.WaitAsync(ct);
            await DrainAsync(ct);
        },
        failure =>
        {
            _trouble.Log(failure);
            if (failure is not StoreUnavailableException)
            {
                // It would fail again, and hold up all that comes after it.
                _taken = [];
                hub.Forget();
            }

            _something.Set();
        },
        time,
        stoppingToken);

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
            _trouble.Log(e);
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
        var (all, own) = (new List<LiveEvent>(batch.Count), new List<LiveEvent>(batch.Count));
        foreach (var change in batch)
        {
            if (Make(change, seen.GetValueOrDefault(change.DeviceId), now) is not { } made)
            {
                continue;
            }

            all.Add(made);
            if (!change.IsElsewhere)
            {
                own.Add(made);
            }
        }

        hub.Publish(all);
        webhooks.Add(own);
    }

    /// <param name="seen">Null when the lock is gone: then it is nobody's to be told of, but that it is gone.</param>
    private LiveEvent? Make(Change change, LiveLock? seen, DateTimeOffset now) => change switch
    {
        { Username: { } username } => events.OfAccess(change.DeviceId, username, seen, now),
        _ when seen is null => null,
        { Command: { } command } => events.OfCommand(command, seen, now),
        _ => events.OfLock(seen, now),
    };

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
                if (change is { Command: null, Username: null })
                {
                    (change.IsElsewhere ? _pendingLocksElsewhere : _pendingLocks).Remove(change.DeviceId);
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

    private void Add(IReadOnlyCollection<string> deviceIds, HashSet<string> pendingLocks, bool elsewhere)
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
                if (pendingLocks.Add(deviceId) && !TryAdd(new Change(deviceId, IsElsewhere: elsewhere)))
                {
                    pendingLocks.Remove(deviceId);
                }
            }
        }

        _something.Set();
    }

    private void Add(IReadOnlyCollection<Command> commands, bool elsewhere)
    {
        if (commands.Count > 0)
        {
            Add(commands.Select(command => new Change(command.DeviceId, command, IsElsewhere: elsewhere)));
        }
    }

    private void Add(IEnumerable<Change> changes)
    {
        lock (_gate)
        {
            foreach (var change in changes)
            {
                TryAdd(change);
            }
        }

        _something.Set();
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

    [LoggerMessage(1, LogLevel.Warning, "Live events wait in memory: {Reason}")]
    private static partial void LogNotTold(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "Live events could not be made: listeners are sent to read again, webhooks miss some")]
    private static partial void LogFailed(ILogger log, Exception e);

    [LoggerMessage(3, LogLevel.Warning, "More than {Most} changes waited to be told: listeners are sent to read again, webhooks miss some")]
    private partial void LogLost(int most);

    /// <summary>With neither it is a change of the lock itself.</summary>
    /// <param name="Username">Whose access it is about.</param>
    /// <param name="IsElsewhere">Another replica made it, and writes it into the webhooks' backlogs.</param>
    private readonly record struct Change(string DeviceId, Command? Command = null, string? Username = null, bool IsElsewhere = false);
}
