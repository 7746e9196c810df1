using SmartLock.Device;
using SmartLock.VirtualDevice.Board;
using SmartLock.VirtualDevice.Connection;

namespace SmartLock.VirtualDevice;

/// <summary>
/// A lock without hardware: the brain of SmartLock.Device on .NET, with a bolt that can be watched and faults that can be switched on.
/// It keeps trying to connect, with growing waits, until it is stopped.
/// </summary>
public sealed class VirtualLock : IAsyncDisposable
{
    /// <summary>A connection that lasted this long was a good one: the next wait starts small again.</summary>
    private static readonly TimeSpan GoodConnection = TimeSpan.FromSeconds(10);

    private readonly OpenLink _open;
    private readonly TickLoop _ticks;
    private readonly bool _ownsTicks;
    private readonly VirtualHardware _hardware;
    private readonly Backoff _backoff;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private VirtualLockOptions _options;
    private VirtualBoard _board;
    private long[]? _refusalsBeforeBoot;
    private CancellationTokenSource? _power;
    private TimeSpan _powerOffFor;
    private TaskCompletionSource _connected = NewSignal();
    private Task? _run;
    private bool _hasComplained;

    /// <exception cref="ArgumentException">The device id cannot stand in a topic.</exception>
    /// <exception cref="IOException">The state folder cannot be made.</exception>
    public VirtualLock(VirtualLockOptions options)
        : this(options, MqttLink.OpenAsync, null)
    {
    }

    internal VirtualLock(VirtualLockOptions options, OpenLink open, TickLoop? sharedTicks)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _open = open;
        Faults = new VirtualLockFaults(() => _board?.Wake());
        _hardware = new VirtualHardware(options, Faults);
        _backoff = new Backoff(
            (int)options.ShortestReconnectWait.TotalMilliseconds, (int)options.LongestReconnectWait.TotalMilliseconds, new SharedChance());
        _board = NewBoard();
        _ticks = sharedTicks ?? new TickLoop(options.Time);
        _ownsTicks = sharedTicks is null;
    }

    /// <summary>
    /// On one of the lock's own threads: a listener must neither block nor wait for the lock. What one throws ends neither the lock nor the
    /// telling of the others: it goes to <see cref="ListenerFailed"/>.
    /// </summary>
    public event Action<VirtualLock, VirtualLockEvent>? Happened;

    /// <summary>
    /// What a listener of <see cref="Happened"/> has thrown, on the same thread. Of what nobody hears of here, or what is thrown here too,
    /// the first goes to standard error.
    /// </summary>
    public event Action<VirtualLock, Exception>? ListenerFailed;

    public string DeviceId => _options.DeviceId;

    /// <summary>Of its present start, as it names it in its statuses.</summary>
    public string Boot => Volatile.Read(ref _board).Brain.Boot;

    public VirtualLockFaults Faults { get; }

    public BoltStatus Status => Volatile.Read(ref _board).Brain.Status;

    /// <summary>How often the motor drove the bolt to an end. A jam is no movement.</summary>
    public long BoltMovements => _hardware.Bolt.Movements;

    public bool RedLit => _hardware.Red.Lit;

    public bool GreenLit => _hardware.Green.Lit;

    public bool IsConnected => Volatile.Read(ref _connected).Task.IsCompletedSuccessfully;

    /// <summary>Ids of the commands that were done, oldest first: the last 256.</summary>
    public IReadOnlyList<string> ExecutedCommandIds => _hardware.Executed.ToArray();

    /// <summary>How many messages were refused for this reason, over all boots.</summary>
    public long RefusalsOf(Refusal refusal)
    {
        lock (_gate)
        {
            return _board.Brain.RefusalsOf(refusal) + (_refusalsBeforeBoot?[(int)refusal] ?? 0);
        }
    }

    /// <summary>Switches the lock on; returns once it is connected. Cancelling ends the waiting only: the lock goes on trying.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            _run ??= Task.Run(RunWatchedAsync, CancellationToken.None);
        }

        return WaitConnectedAsync(cancellationToken);
    }

    /// <summary>Ends at once when there is a connection, else when there is one again. Cancelled when the lock is stopped.</summary>
    public Task WaitConnectedAsync(CancellationToken cancellationToken = default) =>
        Volatile.Read(ref _connected).Task.WaitAsync(cancellationToken);

    /// <summary>Says goodbye and stays off. A stopped lock does not start again.</summary>
    public async Task StopAsync()
    {
        Task? run;
        lock (_gate)
        {
            run = _run;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (run is not null)
        {
            await run.ConfigureAwait(false);
        }

        Volatile.Read(ref _connected).TrySetCanceled(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        if (_ownsTicks)
        {
            _ticks.Dispose();
        }
    }

    /// <summary>
    /// The connection dies without a goodbye, and the brain with it. After <paramref name="offFor"/> a new one boots with what flash
    /// kept; the bolt stays where it is.
    /// </summary>
    public void CutPower(TimeSpan offFor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offFor, TimeSpan.Zero);
        lock (_gate)
        {
            _powerOffFor = offFor;

            // Not Cancel: what waits for it must not run on, listeners included, while the lock is held.
            _ = _power?.CancelAsync();
        }
    }

    /// <summary>
    /// As <see cref="CutPower"/>, once a command is about to move the bolt: it is in flash by then, its verdict never will be, and the
    /// bolt stays where it is.
    /// </summary>
    public void CutPowerAtNextMovement(TimeSpan offFor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offFor, TimeSpan.Zero);
        Volatile.Read(ref _board).LosePowerAtNextMovement(() => CutPower(offFor));
    }

    /// <summary>Somebody writes another key into the lock, which loses its power for it. What flash holds stays there.</summary>
    public void Provision(DeviceKey key, TimeSpan offFor)
    {
        ArgumentNullException.ThrowIfNull(key);
        lock (_gate)
        {
            _options = _options with { Key = key };
            if (_run is null)
            {
                _board = NewBoard();
            }
        }

        CutPower(offFor);
    }

    /// <summary>Somebody turns the bolt without asking the lock.</summary>
    public void TurnBoltByHand(BoltStatus position)
    {
        _hardware.Bolt.TurnByHand(position);
        Volatile.Read(ref _board).Wake();
    }

    private async Task RunWatchedAsync()
    {
        try
        {
            await RunAsync().ConfigureAwait(false);
        }
        catch (Exception bug)
        {
            // Whoever waits for a connection must not wait for ever.
            Volatile.Read(ref _connected).TrySetException(bug);
            throw;
        }
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            using var power = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            lock (_gate)
            {
                _power = power;
            }

            var board = _board;
            Tell(VirtualLockEventKind.Booted, "booted");
            _ticks.Add(board);
            await LiveAsync(board, power.Token).ConfigureAwait(false);
            _ticks.Remove(board);
            lock (_gate)
            {
                _power = null;
            }

            if (!_stop.IsCancellationRequested)
            {
                await StayDarkAsync().ConfigureAwait(false);
            }
        }

        _hardware.LightsOff();
        Tell(VirtualLockEventKind.Stopped, "stopped");
    }

    /// <summary>From boot to the end of power: one session after the other.</summary>
    private async Task LiveAsync(VirtualBoard board, CancellationToken power)
    {
        while (!power.IsCancellationRequested)
        {
            try
            {
                await LiveOneSessionAsync(board, power).ConfigureAwait(false);
                await Task.Delay(TimeSpan.FromMilliseconds(_backoff.Next()), _options.Time, power).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (power.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task LiveOneSessionAsync(VirtualBoard board, CancellationToken power)
    {
        var session = board.Brain.BeginSession();
        IDeviceLink link;
        try
        {
            link = await _open(_options, session, (topic, payload, retained) => board.Receive(topic, payload, retained, power), power)
                .ConfigureAwait(false);
        }
        catch (LinkFailedException failure)
        {
            Tell(VirtualLockEventKind.ConnectFailed, failure.Message);
            return;
        }

        await using (link.ConfigureAwait(false))
        {
            var openedAt = _options.Time.GetTimestamp();
            board.Opened(link);
            Volatile.Read(ref _connected).TrySetResult();
            Tell(VirtualLockEventKind.Connected, $"connected to {_options.Host}:{_options.Port}");
            try
            {
                await link.Closed.WaitAsync(power).ConfigureAwait(false);
            }
            finally
            {
                board.Closed();
                Volatile.Write(ref _connected, NewSignal());
                await LeaveAsync(link).ConfigureAwait(false);
            }

            Tell(VirtualLockEventKind.ConnectionLost, "connection lost");
            if (_options.Time.GetElapsedTime(openedAt) >= GoodConnection)
            {
                _backoff.Reset();
            }
        }
    }

    private async Task LeaveAsync(IDeviceLink link)
    {
        if (_stop.IsCancellationRequested)
        {
            await link.CloseAsync().ConfigureAwait(false);
        }
        else
        {
            link.Abort();
        }
    }

    private async Task StayDarkAsync()
    {
        _hardware.LightsOff();
        TimeSpan offFor;
        lock (_gate)
        {
            offFor = _powerOffFor;
        }

        Tell(VirtualLockEventKind.PowerCut, $"no power for {offFor.TotalSeconds:0.#} s");
        try
        {
            await Task.Delay(offFor, _options.Time, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }

        lock (_gate)
        {
            // What the old brain was in the midst of has had its time; from here on flash and bolt are the new one's.
            _board.LosePower();
            _refusalsBeforeBoot ??= new long[Enum.GetValues<Refusal>().Length];
            foreach (var refusal in Enum.GetValues<Refusal>())
            {
                _refusalsBeforeBoot[(int)refusal] += _board.Brain.RefusalsOf(refusal);
            }

            Volatile.Write(ref _board, NewBoard());
        }

        _backoff.Reset();
    }

    private VirtualBoard NewBoard() => new(_options, Faults, _hardware, Tell);

    private void Tell(VirtualLockEventKind kind, string text) => Tell(new VirtualLockEvent(_options.Time.GetUtcNow(), kind, text));

    /// <summary>One by one: a listener's bug is neither the next listener's, nor the lock's, nor that of the locks on the same timer.</summary>
    private void Tell(VirtualLockEvent happened)
    {
        foreach (var listener in Delegate.EnumerateInvocationList(Happened))
        {
            try
            {
                listener(this, happened);
            }
            catch (Exception bug)
            {
                Complain(bug);
            }
        }
    }

    private void Complain(Exception bug)
    {
        try
        {
            if (ListenerFailed is { } told)
            {
                told(this, bug);
                return;
            }
        }
        catch (Exception another)
        {
            bug = new AggregateException(bug, another);
        }

        if (!Interlocked.Exchange(ref _hasComplained, true))
        {
            Console.Error.WriteLine($"{DeviceId}: a listener failed: {bug}");
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
