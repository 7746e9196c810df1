using Quartz;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>Deletes the sessions that nobody has refreshed in time. They are refused before that.</summary>
[DisallowConcurrentExecution]
internal sealed partial class SessionExpiry(Sessions sessions, ILogger<SessionExpiry> log) : IJob
{
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    private const int BatchSize = 500;

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(cancellationToken);
        }
        catch (StoreUnavailableException e)
        {
            LogPutOff(e.Message);
        }
    }

    /// <exception cref="StoreUnavailableException">The next run goes on.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        while (await sessions.DeleteExpiredAsync(BatchSize, ct) == BatchSize)
        {
            // Other writes take their turns in between.
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The deletion of expired sessions is delayed: {Reason}")]
    private partial void LogPutOff(string reason);
}
