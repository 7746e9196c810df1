namespace SmartLock.Server.Infrastructure;

/// <summary>A background loop that outlives whatever goes wrong in one of its turns: what it does would never be done again.</summary>
internal static class LastingLoop
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <param name="turn">Waits for something to do, and does it.</param>
    /// <param name="afterFailure">Logs, and sees to it that the next turn comes when what failed is still to be done.</param>
    public static async Task RunAsync(Func<CancellationToken, Task> turn, Action<Exception> afterFailure, TimeProvider time, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await turn(ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                afterFailure(e);
                await Task.Delay(RetryAfter, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
