namespace SmartLock.Benchmarks;

/// <summary>Connected to one broker, and ready to load it again and again.</summary>
internal interface ILoad : IDisposable
{
    /// <summary>Loads the broker for so long, and then waits until all of it has come through.</summary>
    /// <returns>How many messages (or whatever is counted) came through: all of them.</returns>
    /// <exception cref="TimeoutException">Some did not.</exception>
    long Run(TimeSpan duration);
}
