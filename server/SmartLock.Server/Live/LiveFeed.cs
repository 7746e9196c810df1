using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Live;

/// <param name="Events">Of changes that this replica made; each replica tells the webhooks of its own.</param>
internal sealed record LiveEventsMade(IReadOnlyCollection<LiveEvent> Events);

/// <summary>
/// Makes live events of what was committed. Publishing a change costs its publisher a place in a queue; who may see the lock is read from the
/// store here, once for a whole batch.
/// </summary>
internal sealed partial class LiveFeed : RepeatedService
{
    private const int MostPending = 100_000;
    private const int MostAtOnce = 1_000;

    private readonly ILiveStore _store;
    private readonly LiveEvents _events;
    private readonly LiveHub _hub;
    private readonly Events<LiveEventsMade> _made;
    private readonly TimeProvider _time;
    private readonly ILogger<LiveFeed> _log;
    private readonly CoalescingQueue<Change> _pending = new(MostPending);
    private List<Change> _taken = [];
    private volatile bool _overflowed;

    public LiveFeed(
        ILiveStore store,
        LiveEvents events,
        LiveHub hub,
        Events<LiveEventsMade> made,
        Events<LocksChanged> locks,
        Events<CommandsChanged> commands,
        Events<LockAccessChanged> access,
        TimeProvider time,
        ILogger<LiveFeed> log)
        : base(new FailureLog(log, time, LogDelayed, LogFailed), time)
    {
        (_store, _events, _hub, _made, _time, _log) = (store, events, hub, made, time, log);
        locks.Subscribe(changed => Add(changed.DeviceIds.Select(id => new Change(id))));
        commands.Subscribe(changed => Add(changed.Commands.Select(command => new Change(command.DeviceId, command))));
        access.Subscribe(changed => Add(changed.Usernames.Select(username => new Change(changed.DeviceId, Username: username))));
    }

    /// <summary>Whether an event stream was ever opened here: until then nobody is told of another replica's changes.</summary>
    public bool HadStreams => _hub.HadStreams;

    /// <summary>Changes that another replica made: it tells the webhooks itself.</summary>
    public void LocksChangedElsewhere(IEnumerable<string> deviceIds) => AddElsewhere(deviceIds.Select(id => new Change(id, IsElsewhere: true)));

    /// <inheritdoc cref="LocksChangedElsewhere"/>
    /// <param name="commands">As they are in the store now.</param>
    public void CommandsChangedElsewhere(IEnumerable<Command> commands) =>
        AddElsewhere(commands.Select(command => new Change(command.DeviceId, command, IsElsewhere: true)));

    /// <inheritdoc cref="LocksChangedElsewhere"/>
    public void AccessChangedElsewhere(string deviceId, IEnumerable<string> usernames) =>
        AddElsewhere(usernames.Select(username => new Change(deviceId, Username: username, IsElsewhere: true)));

    /// <summary>Changes of other replicas were missed: event streams are told to read everything again.</summary>
    public void ForgetEverything() => _hub.Forget();

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        if (_taken.Count == 0)
        {
            await _pending.WaitAsync(ct);
        }

        await FinishAsync(ct);
    }

    /// <summary>What the last batches of the devices changed still goes to the webhooks' queue.</summary>
    protected override async Task FinishAsync(CancellationToken ct)
    {
        while (Take() is { Count: > 0 } batch)
        {
            await TellAsync(batch, ct);

            // Only now: a batch that failed is retried, in its old place.
            _taken = [];
        }
    }

    protected override void OnFailure(Exception failure)
    {
        if (failure is not StoreUnavailableException)
        {
            // It would fail again, and hold up everything behind it.
            _taken = [];
            _hub.Forget();
        }
    }

    private async Task TellAsync(List<Change> batch, CancellationToken ct)
    {
        var now = _time.GetUtcNow();
        var seen = await _store.FindAsync(batch.Select(c => c.DeviceId).ToHashSet(StringComparer.Ordinal), now, ct);
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

        _hub.Publish(all);
        _made.Publish(new LiveEventsMade(own));
    }

    /// <param name="seen">Null when the lock is gone: then it is nobody's to be told of, but that it is gone.</param>
    private LiveEvent? Make(Change change, LiveLock? seen, DateTimeOffset now) => change switch
    {
        { Username: { } username } => _events.OfAccess(change.DeviceId, username, seen, now),
        _ when seen is null => null,
        { Command: { } command } => _events.OfCommand(command, seen, now),
        _ => _events.OfLock(seen, now),
    };

    private List<Change> Take()
    {
        if (_taken.Count > 0)
        {
            return _taken;
        }

        _taken = _pending.Take(MostAtOnce);
        if (_overflowed)
        {
            _overflowed = false;
            LogOverflowed(_log, MostPending);
            _hub.Forget();
        }

        return _taken;
    }

    private void AddElsewhere(IEnumerable<Change> changes)
    {
        if (HadStreams)
        {
            Add(changes);
        }
    }

    private void Add(IEnumerable<Change> changes)
    {
        foreach (var change in changes)
        {
            if (!_pending.TryAdd(change))
            {
                _overflowed = true;
                return;
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Live events are delayed: {Reason}")]
    private static partial void LogDelayed(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "Live events could not be made: event streams are told to read everything again, webhooks miss some")]
    private static partial void LogFailed(ILogger log, Exception e);

    [LoggerMessage(3, LogLevel.Warning, "More than {Most} changes were queued: event streams are told to read everything again, webhooks miss some")]
    private static partial void LogOverflowed(ILogger log, int most);

    /// <summary>With neither it is a change of the lock itself.</summary>
    /// <param name="Username">Whose access it is about.</param>
    /// <param name="IsElsewhere">Another replica made it, and writes it into the webhooks' backlogs.</param>
    private readonly record struct Change(string DeviceId, Command? Command = null, string? Username = null, bool IsElsewhere = false);
}
