namespace SmartLock.VirtualDevice.Connection;

/// <summary>Doubling waits with jitter, so that a fleet that lost its server does not come back all at once.</summary>
internal sealed class Backoff(TimeSpan shortest, TimeSpan longest, Random random)
{
    private const int MaxDoublings = 20;

    private int _doublings;

    public TimeSpan Next()
    {
        var wait = shortest * (1 << _doublings);
        _doublings = Math.Min(_doublings + 1, MaxDoublings);
        return (wait < longest ? wait : longest) * (1 - (random.NextDouble() / 2));
    }

    public void Reset() => _doublings = 0;
}
