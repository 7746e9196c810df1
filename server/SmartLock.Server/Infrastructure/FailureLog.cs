namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Logs failures of work that is retried, at most one line in ten seconds. A store that is unavailable is logged by its reason: the work waits for it.
/// Any other failure is logged with its stack trace.
/// </summary>
/// <param name="log">Where the lines go.</param>
/// <param name="time">Of the interval.</param>
/// <param name="delayed">The line for a store that is unavailable; takes the reason. Null for work without a store.</param>
/// <param name="failed">The line for any other failure.</param>
internal sealed partial class FailureLog(ILogger log, TimeProvider time, Action<ILogger, string>? delayed, Action<ILogger, Exception> failed)
{
    private static readonly TimeSpan AtMostEvery = TimeSpan.FromSeconds(10);

    private readonly LogThrottle _throttle = new(time, AtMostEvery);

    public void Log(Exception failure)
    {
        if (!_throttle.TryEnter(out var suppressed))
        {
            return;
        }

        if (failure is StoreUnavailableException && delayed is not null)
        {
            delayed(log, failure.Message);
        }
        else
        {
            failed(log, failure);
        }

        if (suppressed > 0)
        {
            LogSuppressed(suppressed);
        }
    }

    // Its number must not be one of the features' own.
    [LoggerMessage(100, LogLevel.Warning, "{Suppressed} more failures were not logged since the line before")]
    private partial void LogSuppressed(long suppressed);
}
