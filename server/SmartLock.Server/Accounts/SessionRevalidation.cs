using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>
/// Asks the store whether the sessions of the connections that outlive their request still stand. Another replica that ended one says so, but its message may
/// be lost: then such a connection lives on for a minute at most.
/// </summary>
internal sealed partial class SessionRevalidation(ISessionStore store, RevocationWatcher ends, Sessions sessions, TimeProvider time, ILogger<SessionRevalidation> log)
    : RepeatedService(new FailureLog(log, time, delayed: null, LogFailed), time)
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
                if (await store.FindAsync(sessionId, Time.GetUtcNow(), ct) is null)
                {
                    sessions.ForgetHere(username, sessionId);
                }
            }
        }
        catch (StoreUnavailableException e)
        {
            LogDelayed(e.Message);
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

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        await Task.Delay(Every, Time, ct);
        await RunAsync(ct);
    }

    [LoggerMessage(1, LogLevel.Warning, "The review of open connections' sessions is delayed: {Reason}")]
    private partial void LogDelayed(string reason);

    [LoggerMessage(2, LogLevel.Error, "The review of open connections' sessions failed")]
    private static partial void LogFailed(ILogger log, Exception e);
}
