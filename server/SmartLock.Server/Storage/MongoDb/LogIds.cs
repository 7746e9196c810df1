namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Positions in the whole log, by which it is paged: Unix milliseconds and 12 bits behind them, so that a number of JSON holds it
/// until the year 2039.
/// </summary>
internal sealed class LogIds(TimeProvider time)
{
    private const int PerMillisecond = 4096;

    private readonly System.Threading.Lock _gate = new();
    private long _last;

    /// <summary>Greater than all given before by this server, and than <paramref name="after"/>, that of the entry before in the chain.</summary>
    public long Next(long after)
    {
        // Where in its millisecond it begins is left to chance, so that two servers rarely give the same.
        var now = (time.GetUtcNow().ToUnixTimeMilliseconds() * PerMillisecond) + Random.Shared.Next(PerMillisecond / 4);
        lock (_gate)
        {
            _last = Math.Max(Math.Max(_last, after) + 1, now);
            return _last;
        }
    }
}
