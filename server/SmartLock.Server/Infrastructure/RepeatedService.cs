namespace SmartLock.Server.Infrastructure;

/// <summary>
/// A background service that repeats one step until the server stops. A step that fails is logged and repeated a second later: without this loop
/// its work would never be done again.
/// </summary>
internal abstract class RepeatedService(FailureLog failures, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    protected FailureLog Failures => failures;

    protected TimeProvider Time => time;

    /// <summary>When the server stops, what is still queued is worked off.</summary>
    /// <remarks>What the store does not take then is lost, and logged.</remarks>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await FinishAsync(cancellationToken);
        }
        catch (StoreUnavailableException e)
        {
            failures.Log(e);
        }
    }

    /// <summary>Waits for something to do, and does it.</summary>
    protected abstract Task RunStepAsync(CancellationToken ct);

    /// <summary>Runs once, after the last step.</summary>
    protected virtual Task FinishAsync(CancellationToken ct) => Task.CompletedTask;

    /// <summary>Runs after a failed step was logged, and before the next one.</summary>
    protected virtual void OnFailure(Exception failure)
    {
    }

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunStepAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                failures.Log(e);
                OnFailure(e);
                await Task.Delay(RetryAfter, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
