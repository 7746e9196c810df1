using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Cli;

internal static partial class ServeCommand
{
    public static async Task<int> RunAsync(string[] settings, CancellationToken ct)
    {
        WebApplication? started = null;
        var code = await Startup.ExplainAsync(async () =>
        {
            started = await StartAsync(settings, ct);
            return 0;
        });
        if (started is null)
        {
            return code;
        }

        await using (started)
        {
            await TellOfFirstAdminAsync(started.Services, ct);
            await started.WaitForShutdownAsync(ct);
        }

        return 0;
    }

    private static async Task<WebApplication> StartAsync(string[] settings, CancellationToken ct)
    {
        var app = SmartLockServer.Create(settings);
        try
        {
            await app.StartAsync(ct);
            return app;
        }
        catch
        {
            // What it logs while it is taken down stands before the sentence, not after it.
            await app.DisposeAsync();
            throw;
        }
    }

    private static async Task TellOfFirstAdminAsync(IServiceProvider services, CancellationToken ct)
    {
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ServeCommand).FullName!);
        try
        {
            if (!await services.GetRequiredService<IUserStore>().AnyAdminAsync(ct))
            {
                LogNoAdmin(logger);
            }
        }
        catch (StoreUnavailableException e)
        {
            LogStoreUnavailable(logger, e);
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "There is no admin account yet. Make one by running this program with: admin create <username> (and the same settings)")]
    private static partial void LogNoAdmin(ILogger logger);

    [LoggerMessage(2, LogLevel.Warning, "The store could not say whether there is an admin account")]
    private static partial void LogStoreUnavailable(ILogger logger, Exception exception);
}
