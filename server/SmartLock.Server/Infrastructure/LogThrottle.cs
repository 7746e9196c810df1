namespace SmartLock.Server.Infrastructure;

/// <summary>Lets one log line through per interval and counts the others, so that a flood of bad input cannot fill the disk.</summary>
internal sealed class LogThrottle(TimeProvider time, TimeSpan interval)
{
    private readonly System.Threading.Lock _gate = new();
    private long? _last;
    private long _held;

    /// <param name="held">How many were not let through since the last that was.</param>
    public bool TryEnter(out long held)
    {
        lock (_gate)
        {
            if (_last is { } last && time.GetElapsedTime(last) < interval)
            {
                _held++;
                held = 0;
                return false;
            }

            held = _held;
            _held = 0;
            _last = time.GetTimestamp();
            return true;
        }
    }
}
