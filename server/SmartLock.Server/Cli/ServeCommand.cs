using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Cli;

internal static partial class ServeCommand
{
    public static async Task<int> RunAsync(string[] settings, CancellationToken ct)
    {
        WebApplication? app = null;
        try
        {
            var code = await Startup.ExplainAsync(async () =>
            {
                app = SmartLockServer.Create(settings);
                await app.StartAsync(ct);
                return 0;
            });
            if (code != 0)
            {
                return code;
            }

            await TellOfFirstAdminAsync(app!.Services, ct);
            await app.WaitForShutdownAsync(ct);
            return 0;
        }
        finally
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }
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
