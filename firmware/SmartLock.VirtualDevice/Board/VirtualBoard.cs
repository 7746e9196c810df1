using SmartLock.Device;
using SmartLock.VirtualDevice.Connection;

namespace SmartLock.VirtualDevice.Board;

/// <summary>
/// What power keeps alive: the brain from one boot to the next power cut, with the clock, gauges and radio that it sees. One object
/// for all these seams, because a fleet has thousands.
/// </summary>
internal sealed class VirtualBoard : IClock, IGauges, IOutbox, ISlotStore, IBolt, ILog, IDecisionListener
{
    private const int MaxDelayed = 16;
    private const int MaxUntold = 64;
    private const int GoodRssi = -61;
    private const int LowMillivolts = 3100;

    private static readonly SharedChance Chance = new();

    private readonly VirtualLockOptions _options;
    private readonly VirtualLockFaults _faults;
    private readonly VirtualHardware _hardware;
    private readonly Action<VirtualLockEvent> _tell;
    private readonly long _bootedAt;
    private readonly Lock _dueGate = new();
    private readonly Lock _untoldGate = new();
    private List<VirtualLockEvent>? _untold;
    private IDeviceLink? _link;
    private Action? _atNextMovement;
    private Action? _powerWent;
    private volatile bool _hasNoPower;
    private int _delayed;
    private long _dueAt = long.MaxValue;
    private int _isWoken;

    public VirtualBoard(VirtualLockOptions options, VirtualLockFaults faults, VirtualHardware hardware, Action<VirtualLockEvent> tell)
    {
        _options = options;
        _faults = faults;
        _hardware = hardware;
        _tell = tell;
        _bootedAt = options.Time.GetTimestamp();
        Brain = new LockBrain(
            new LockSettings { DeviceId = options.DeviceId, Key = options.Key, Firmware = options.Firmware, OwnTopics = options.OwnTopics },
            new LockParts
            {
                Clock = this,
                Slots = this,
                Bolt = this,
                LockedLight = hardware.Red,
                UnlockedLight = hardware.Green,
                Gauges = this,
                Outbox = this,
                Chance = Chance,
                Log = this,
                Decisions = this,
            });
    }

    public LockBrain Brain { get; }

    public long UnixMs =>
        _faults.ClockNotSet ? 0 : (_options.Time.GetUtcNow() + _faults.ClockOffset).ToUnixTimeMilliseconds();

    public long UptimeMs => (long)_options.Time.GetElapsedTime(_bootedAt).TotalMilliseconds;

    public int Rssi => GoodRssi;

    public int BatteryMillivolts => _faults.LowBattery ? LowMillivolts : _options.BatteryMillivolts;

    public bool IsBatteryLow => false;

    public bool IsDoorOpen => false;

    BoltStatus IBolt.Position => _hardware.Bolt.Position;

    /// <summary>What the brain is still in the middle of reaches neither flash nor bolt nor network any more.</summary>
    public void LosePower() => _hasNoPower = true;

    /// <summary>The motor's start pulls the supply down, once. The action is called with nothing held.</summary>
    public void LosePowerAtNextMovement(Action powerWent) => Volatile.Write(ref _atNextMovement, powerWent);

    public void Opened(IDeviceLink link)
    {
        Volatile.Write(ref _link, link);
        Brain.OnConnected();
        Reschedule();
    }

    public void Closed()
    {
        Brain.OnDisconnected();
        Volatile.Write(ref _link, null);
        Reschedule();
    }

    /// <summary>Lets the brain look around at the next tick, not only when its next report is due.</summary>
    public void Wake() => Interlocked.Exchange(ref _isWoken, 1);

    public void TickIfDue()
    {
        if (Volatile.Read(ref _isWoken) == 0 && UptimeMs < Volatile.Read(ref _dueAt))
        {
            return;
        }

        // Before the brain looks: what changes behind its eyes has the next tick.
        Interlocked.Exchange(ref _isWoken, 0);
        Brain.Tick();
        Reschedule();
        TellAll();
    }

    /// <summary>Late in acting, when that fault is on: the caller is not kept, its buffer is.</summary>
    public void Receive(string topic, byte[] payload, bool retained, CancellationToken power)
    {
        var delay = _faults.ExecuteDelay;
        if (delay <= TimeSpan.Zero)
        {
            Act(topic, payload, retained);
        }
        else if (TryReserve())
        {
            _ = AfterAsync(delay, () => Act(topic, payload, retained), power);
        }
    }

    byte[]? ISlotStore.Read(int slot) => _hardware.Flash.Read(slot);

    bool ISlotStore.Write(int slot, byte[] record) => !_hasNoPower && _hardware.Flash.Write(slot, record);

    bool IBolt.Move(bool locked)
    {
        _powerWent = Interlocked.Exchange(ref _atNextMovement, null);
        if (_powerWent is not null)
        {
            LosePower();
        }

        return !_hasNoPower && _hardware.Bolt.Move(locked);
    }

    bool IOutbox.Send(string topic, byte[] payload)
    {
        if (_hasNoPower)
        {
            return false;
        }

        if (_faults.Silent)
        {
            return true;
        }

        var link = Volatile.Read(ref _link);
        var delay = _faults.AnswerDelay;
        if (link is null || delay <= TimeSpan.Zero)
        {
            return link is not null && link.TryPublish(topic, payload);
        }

        if (!TryReserve())
        {
            return false;
        }

        _ = AfterAsync(delay, () => link.TryPublish(topic, payload), CancellationToken.None);
        return true;
    }

    void ILog.Write(string line) => Note(new VirtualLockEvent(_options.Time.GetUtcNow(), VirtualLockEventKind.Logged, line));

    void IDecisionListener.Decided(Decision decision)
    {
        if (_hasNoPower)
        {
            return;
        }

        if (decision.Verdict == Verdict.Done)
        {
            // At once, so that whoever has received the report finds it here.
            _hardware.Executed.Add(decision.CommandId);
        }

        Note(new VirtualLockEvent(
            _options.Time.GetUtcNow(), VirtualLockEventKind.Decided, $"{decision.CommandId}: {Words.Of(decision.Verdict)}", decision));
    }

    private void Act(string topic, byte[] payload, bool retained)
    {
        Brain.OnMessage(topic, payload, retained);
        Reschedule();
        TellAll();
        _powerWent?.Invoke();
    }

    /// <summary>
    /// Several threads come here: read and written in one, so that the last to write has read after all that the others had the brain do.
    /// </summary>
    private void Reschedule()
    {
        lock (_dueGate)
        {
            Volatile.Write(ref _dueAt, Volatile.Read(ref _link) is null ? long.MaxValue : Brain.NextReportAt);
        }
    }

    private bool TryReserve()
    {
        if (Interlocked.Increment(ref _delayed) <= MaxDelayed)
        {
            return true;
        }

        Interlocked.Decrement(ref _delayed);
        return false;
    }

    private async Task AfterAsync(TimeSpan delay, Action act, CancellationToken power)
    {
        try
        {
            await Task.Delay(delay, _options.Time, power).ConfigureAwait(false);
            act();
        }
        catch (OperationCanceledException) when (power.IsCancellationRequested)
        {
            // The power went while it lay there: nobody is left to act on it.
            return;
        }
        finally
        {
            Interlocked.Decrement(ref _delayed);
        }
    }

    /// <summary>The brain tells with its lock held; listeners hear of it once it is released.</summary>
    private void Note(VirtualLockEvent happened)
    {
        lock (_untoldGate)
        {
            _untold ??= [];
            if (_untold.Count < MaxUntold)
            {
                _untold.Add(happened);
            }
        }
    }

    private void TellAll()
    {
        List<VirtualLockEvent>? told;
        lock (_untoldGate)
        {
            told = _untold;
            _untold = null;
        }

        told?.ForEach(_tell);
    }
}
