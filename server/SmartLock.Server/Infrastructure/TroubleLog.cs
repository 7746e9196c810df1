namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Logs what went wrong in work that is tried again and again, at most once in ten seconds. A store that is away is told in a word: the work
/// waits for it. Anything else is told with its trace.
/// </summary>
/// <param name="log">Where the lines go.</param>
/// <param name="time">Of the interval.</param>
/// <param name="storeAway">The line for a store that is away; takes the reason.</param>
/// <param name="failed">The line for anything else.</param>
internal sealed partial class TroubleLog(ILogger log, TimeProvider time, Action<ILogger, string> storeAway, Action<ILogger, Exception> failed)
{
    private static readonly TimeSpan AtMostEvery = TimeSpan.FromSeconds(10);

    private readonly LogThrottle _throttle = new(time, AtMostEvery);

    public void Log(Exception trouble)
    {
        if (!_throttle.TryEnter(out var held))
        {
            return;
        }

        if (trouble is StoreUnavailableException)
        {
            storeAway(log, trouble.Message);
        }
        else
        {
            failed(log, trouble);
        }

        if (held > 0)
        {
            LogHeld(held);
        }
    }

    // Its number must not be one of the features' own.
    [LoggerMessage(100, LogLevel.Warning, "{Held} more failures were held back since the line before")]
    private partial void LogHeld(long held);
}
