using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>
/// Asks the store whether the sessions of the connections that outlive their request still stand. Another replica that ended one says so, but its word may
/// be lost: then such a connection lives on for a minute at most.
/// </summary>
internal sealed partial class SessionReview(ISessionStore store, SessionEnds ends, Sessions sessions, TimeProvider time, ILogger<SessionReview> log) : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _turn = new(1, 1);

    public async Task RunAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            foreach (var (username, sessionId) in ends.Watched())
            {
                if (await store.FindAsync(sessionId, time.GetUtcNow(), ct) is null)
                {
                    sessions.ForgetHere(username, sessionId);
                }
            }
        }
        catch (StoreUnavailableException e)
        {
            LogPutOff(e.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => LastingLoop.RunAsync(
        async ct =>
        {
            await Task.Delay(Every, time, ct);
            await RunAsync(ct);
        },
        LogFailed,
        time,
        stoppingToken);

    [LoggerMessage(1, LogLevel.Warning, "The review of open connections' sessions was put off: {Reason}")]
    private partial void LogPutOff(string reason);

    [LoggerMessage(2, LogLevel.Error, "The review of open connections' sessions failed")]
    private partial void LogFailed(Exception e);
}
