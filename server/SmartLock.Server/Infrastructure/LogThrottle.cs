namespace SmartLock.Server.Infrastructure;

/// <summary>Lets one log line through per interval and counts the others, so that a flood of bad input cannot fill the disk.</summary>
internal sealed class LogThrottle(TimeProvider time, TimeSpan interval)
{
    private readonly System.Threading.Lock _gate = new();
    private DateTimeOffset _next = DateTimeOffset.MinValue;
    private long _held;

    /// <param name="held">How many were not let through since the last that was.</param>
    public bool TryEnter(out long held)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (now < _next)
            {
                _held++;
                held = 0;
                return false;
            }

            held = _held;
            _held = 0;
            _next = now + interval;
            return true;
        }
    }
}
