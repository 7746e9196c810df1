using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging.External;
using SmartLock.Server.Telemetry;

namespace SmartLock.Server.Messaging;

internal static class MessagingFeature
{
    public static IServiceCollection AddMessaging(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddValidatedOptions<MqttOptions>(MqttOptions.Section, MqttOptions.Check);
        services.AddValidatedOptions<DeviceOptions>(DeviceOptions.Section, DeviceOptions.Check);
        services.AddSingleton<DeviceKeys>();
        services.AddSingleton<DeviceCache>();
        services.AddSingleton<OnlineDevices>();
        services.AddGauge<OnlineDevices>(
            TelemetryNames.DevicesAvailable, "{device}", "Devices that reported to this process within Devices:OfflineAfter.", reported => reported.Count());
        services.AddHealthChecks().AddCheck<DeviceLinkHealth>("mqtt");
        return ModeOf(configuration) is MqttMode.External ? services.AddExternalBroker() : services.AddEmbeddedBroker();
    }

    public static void MapMessaging(this WebApplication app)
    {
        if (ModeOf(app.Configuration) is MqttMode.Embedded)
        {
            // The broker asks for its own logins.
            app.MapMqttWebSocket("/mqtt").AllowAnonymous().WithMetadata(LongLived.Instance).ExcludeFromDescription();
        }

        IntegrationAdminEndpoints.Map(app);
    }

    private static IServiceCollection AddEmbeddedBroker(this IServiceCollection services)
    {
        services.AddMqttBroker(broker =>
        {
            // The longest message of the protocol has half a KB; a login is one device, or an observer with a few windows open.
            broker.MaxPacketSize = 16 * 1024;
            broker.MaxSessionsPerIdentity = 8;
            broker.MaxOutboundBytes = 256 * 1024;
        });
        services.AddOptions<MqttBrokerOptions>().Configure<IOptions<MqttOptions>, ConnectionBounds>((broker, mqtt, bounds) =>
        {
            Divide(broker, bounds.Mqtt);
            broker.MaxConnectingPerAddress = mqtt.Value.MaxConnectingPerAddress;
            broker.RefusalDelay = mqtt.Value.RefusalDelay;
        });
        services.AddSingleton<IMqttAuthenticator, BrokerLogins>();
        services.AddSingleton<IMqttAuthorizer, BrokerRights>();
        services.AddSingleton<MqttListener>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>>(provider => provider.GetRequiredService<MqttListener>());
        services.AddSingleton(provider => new WantedAddress(() => MqttListener.EndPointsOf(provider.GetRequiredService<IOptions<MqttOptions>>().Value)));
        services.AddGauge<MqttBroker>(
            TelemetryNames.BrokerSessions, "{session}", "Sessions on the embedded broker.", broker => broker.GetStatistics().Sessions);
        return services.AddLink<EmbeddedDeviceLink>();
    }

    /// <summary>A quarter, up to 8,192, is for connections that are not logged in yet, or not any more: who is logged in cannot keep a newcomer from asking.</summary>
    private static void Divide(MqttBrokerOptions broker, int connections)
    {
        var others = Math.Min(connections / 4, 8192);
        broker.MaxConnections = connections - others;
        broker.MaxConnecting = others / 2;
        broker.MaxHandshakes = others / 4;
        // As many wait to be told, and as many were told and are closing.
        broker.MaxDelayedRefusals = Math.Max(1, others / 8);
    }

    private static IServiceCollection AddExternalBroker(this IServiceCollection services) =>
        services.AddSingleton<BrokerClient>().AddLink<ExternalDeviceLink>();

    private static IServiceCollection AddLink<T>(this IServiceCollection services)
        where T : class, IDeviceLink, IHostedService
    {
        services.AddSingleton<T>();
        services.AddSingleton<IDeviceLink>(provider => provider.GetRequiredService<T>());
        return services.AddHostedService(provider => provider.GetRequiredService<T>());
    }

    /// <summary>Read before options are validated, which then name a wrong value.</summary>
    public static MqttMode ModeOf(IConfiguration configuration) =>
        Enum.TryParse<MqttMode>(configuration["Mqtt:Mode"], ignoreCase: true, out var mode) ? mode : MqttMode.Embedded;
}
