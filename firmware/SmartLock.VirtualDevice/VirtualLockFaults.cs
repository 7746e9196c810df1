namespace SmartLock.VirtualDevice;

/// <summary>What goes wrong with a virtual lock, switched at any time and from any thread.</summary>
public sealed class VirtualLockFaults
{
    private readonly Action _changed;
    private volatile bool _silent;
    private volatile bool _jammed;
    private volatile bool _lowBattery;
    private volatile bool _clockNotSet;
    private long _clockOffset;
    private long _executeDelay;
    private long _answerDelay;

    internal VirtualLockFaults(Action changed)
    {
        _changed = changed;
    }

    /// <summary>Connected, obeys, but nothing it reports goes out.</summary>
    public bool Silent
    {
        get => _silent;
        set
        {
            _silent = value;
            _changed();
        }
    }

    /// <summary>The bolt does not move.</summary>
    public bool Jammed
    {
        get => _jammed;
        set
        {
            _jammed = value;
            _changed();
        }
    }

    public bool LowBattery
    {
        get => _lowBattery;
        set
        {
            _lowBattery = value;
            _changed();
        }
    }

    /// <summary>As before the first SNTP answer.</summary>
    public bool ClockNotSet
    {
        get => _clockNotSet;
        set
        {
            _clockNotSet = value;
            _changed();
        }
    }

    /// <summary>How far the device's clock is ahead (or, negative, behind).</summary>
    public TimeSpan ClockOffset
    {
        get => Read(ref _clockOffset);
        set => Write(ref _clockOffset, value);
    }

    /// <summary>
    /// Late in acting: each command lies this long before the device looks at it. 16 wait at most; further ones are lost.
    /// </summary>
    public TimeSpan ExecuteDelay
    {
        get => Read(ref _executeDelay);
        set => Write(ref _executeDelay, value);
    }

    /// <summary>
    /// Late in telling: each report lies this long before it goes out. 16 wait at most; further ones are said again later.
    /// </summary>
    public TimeSpan AnswerDelay
    {
        get => Read(ref _answerDelay);
        set => Write(ref _answerDelay, value);
    }

    private static TimeSpan Read(ref long ticks) => TimeSpan.FromTicks(Interlocked.Read(ref ticks));

    private void Write(ref long ticks, TimeSpan value)
    {
        Interlocked.Exchange(ref ticks, value.Ticks);
        _changed();
    }
}
