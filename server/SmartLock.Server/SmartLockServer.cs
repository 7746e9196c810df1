using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Live;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;
using SmartLock.Server.Legacy;
using SmartLock.Server.Replicas;
using SmartLock.Server.Storage;
using SmartLock.Server.Telemetry;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server;

/// <summary>Puts the server together; the command line, the demo and the tests all start it here.</summary>
internal static class SmartLockServer
{
    /// <param name="args">Configuration in the form of command-line settings, such as <c>--Mqtt:Port=1883</c>.</param>
    /// <param name="configure">Runs after everything is registered, to replace a service (the clock, in tests).</param>
    public static WebApplication Create(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
        });
        var configuration = builder.Configuration;
        SecretFiles.AddTo(configuration);
        builder.Services
            .AddSingleton(TimeProvider.System)
            .AddTelemetry(configuration)
            .AddInfrastructure(configuration)
            .AddStorage(configuration)
            .AddMessaging(configuration)
            .AddAudit()
            .AddAccounts()
            .AddLocks()
            .AddCommands(configuration)
            // Before the heartbeats: what is stopped last receives the last events of what is stopped first.
            .AddWebhooks()
            .AddLive()
            .AddReplicas(configuration)
            .AddHeartbeats(configuration)
            .AddLegacy(configuration);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.UseInfrastructure();
        app.MapInfrastructure();
        app.MapMessaging();
        app.MapAccounts();
        app.MapLocks();
        app.MapCommands();
        app.MapAudit();
        app.MapLive();
        app.MapWebhooks();
        app.MapLegacy();
        return app;
    }
}
