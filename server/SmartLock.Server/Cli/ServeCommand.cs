using System.Net;
using Microsoft.Extensions.Options;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Cli;

internal static partial class ServeCommand
{
    public static async Task<int> RunAsync(string[] settings, CancellationToken ct)
    {
        WebApplication? started = null;
        var code = await Startup.ExplainAsync(async () =>
        {
            TemporaryFolder.Check();
            started = await StartAsync(settings, ct);
            return ExitCodes.Ok;
        });
        if (started is null)
        {
            return code;
        }

        await using (started)
        {
            TellAddresses(started.Services);
            await TellOfFirstAdminAsync(started.Services, ct);
            await started.WaitForShutdownAsync(ct);
        }

        return ExitCodes.Ok;
    }

    /// <returns>Null when it was stopped before it had started.</returns>
    private static async Task<WebApplication?> StartAsync(string[] settings, CancellationToken ct)
    {
        var app = SmartLockServer.Create(settings);
        try
        {
            if (await app.TryStartAsync(ct))
            {
                return app;
            }
        }
        catch
        {
            // What it logs while it is taken down stands before the sentence, not after it.
            await app.DisposeAsync();
            throw;
        }

        await app.DisposeAsync();
        return null;
    }

    /// <summary>In place of the host's own lines, which take the broker's address for an HTTP one.</summary>
    private static void TellAddresses(IServiceProvider services)
    {
        var logger = LoggerOf(services);
        LogUp(logger, HttpEndpoints.AddressOf(services));
        var mqtt = services.GetService<MqttListener>();
        foreach (var endPoint in new[] { mqtt?.EndPoint, mqtt?.TlsEndPoint }.OfType<IPEndPoint>())
        {
            LogMqtt(logger, endPoint, endPoint == mqtt?.TlsEndPoint ? " (TLS)" : "");
        }

        if (mqtt is { EndPoint.Address: { } address, TlsEndPoint: null } && IPAddress.IsLoopback(address))
        {
            LogMqttIsLocal(logger);
        }
    }

    private static ILogger LoggerOf(IServiceProvider services) =>
        services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ServeCommand).FullName!);

    /// <summary>The link is for who started the server, and goes to standard output only: the log may be kept, and read by others.</summary>
    private static async Task TellOfFirstAdminAsync(IServiceProvider services, CancellationToken ct)
    {
        var logger = LoggerOf(services);
        try
        {
            if (!await services.GetRequiredService<IUserStore>().AnyAdminAsync(ct))
            {
                LogNoAdmin(logger);
                var published = services.GetRequiredService<IOptions<ServerOptions>>().Value.Address;
                var link = FirstAdminText.LinkFor(published, HttpEndpoints.AddressOf(services), services.GetRequiredService<FirstAdminSetup>().Open());
                var isJson = services.GetRequiredService<IConfiguration>()["Logging:Console:FormatterName"] == "json";
                await Console.Out.WriteLineAsync(isJson ? FirstAdminText.JsonOf(link) : FirstAdminText.Of(link));
            }
        }
        catch (StoreUnavailableException e)
        {
            LogStoreUnavailable(logger, e);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop in this moment: the caller waits for that next, and everything is stopped in its order.
            return;
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "There is no admin account yet. Make one by running this program with: admin create <username> (and the same settings)")]
    private static partial void LogNoAdmin(ILogger logger);

    [LoggerMessage(2, LogLevel.Warning, "The store could not say whether there is an admin account")]
    private static partial void LogStoreUnavailable(ILogger logger, Exception exception);

    [LoggerMessage(3, LogLevel.Information, "SmartLock is up: API at {Address} (documentation at {Address}docs). Ctrl-C stops it.")]
    private static partial void LogUp(ILogger logger, Uri address);

    [LoggerMessage(5, LogLevel.Information,
        "Devices of other machines cannot connect to that address. Give the broker a certificate (Mqtt:CertificateFile), and it listens for TLS on all addresses; "
        + "or, where everybody on the network is trusted, open it without: --Mqtt:Address=0.0.0.0")]
    private static partial void LogMqttIsLocal(ILogger logger);

    [LoggerMessage(4, LogLevel.Information, "Devices connect to {EndPoint}{Tls}")]
    private static partial void LogMqtt(ILogger logger, IPEndPoint endPoint, string tls);
}
