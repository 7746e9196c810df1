namespace SmartLock.Server.Infrastructure;

internal static class StoppableStart
{
    /// <summary>
    /// Starts the server, unless it is told to stop meanwhile (Ctrl-C, SIGTERM): that is what was asked for and no failure. Whoever gets false, or
    /// an exception, disposes the server.
    /// </summary>
    public static async Task<bool> TryStartAsync(this WebApplication app, CancellationToken ct)
    {
        try
        {
            await app.StartAsync(ct);
            return true;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested || app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return false;
        }
    }
}
