namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Whether somebody has set the machine's clock: an operator, a time server after a long while, a virtual machine that was resumed. It compares the clock
/// with the monotonic one at every look. Stamps that were stored before compare wrongly with the time after.
/// </summary>
internal sealed class WallClock
{
    /// <summary>Slower drifts are a time server's corrections.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time;
    private readonly System.Threading.Lock _gate = new();
    private DateTimeOffset _now;
    private long _timestamp;
    private long? _setAt;

    public WallClock(TimeProvider time)
    {
        _time = time;
        (_now, _timestamp) = (time.GetUtcNow(), time.GetTimestamp());
    }

    /// <returns>By how much it was set since the last look, below zero for back; zero when it was not.</returns>
    public TimeSpan Look()
    {
        lock (_gate)
        {
            var (now, timestamp) = (_time.GetUtcNow(), _time.GetTimestamp());
            var set = now - _now - _time.GetElapsedTime(_timestamp, timestamp);
            (_now, _timestamp) = (now, timestamp);
            if (set.Duration() <= Step)
            {
                return TimeSpan.Zero;
            }

            _setAt = timestamp;
            return set;
        }
    }

    /// <summary>Whether a look within <paramref name="time"/> before now has found it set.</summary>
    public bool WasSetWithin(TimeSpan time)
    {
        lock (_gate)
        {
            return _setAt is { } at && _time.GetElapsedTime(at) < time;
        }
    }
}
