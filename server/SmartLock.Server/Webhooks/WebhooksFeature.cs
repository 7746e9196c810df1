using Quartz;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

internal static class WebhooksFeature
{
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddValidatedOptions<WebhookOptions>(WebhookOptions.Section, WebhookOptions.Check);
        services.AddSingleton<WebhookSecrets>();
        services.AddSingleton<GuardedConnections>();
        services.AddSingleton<WebhookSender>();
        AddHosted<WebhookWorker>(services);
        AddHosted<WebhookQueue>(services);
        services.AddSingleton<DeliveryCleanup>();
        return services.AddQuartz(quartz => quartz.ScheduleJob<DeliveryCleanup>(trigger => trigger
            .WithIdentity("webhook-cleanup")
            .WithSimpleSchedule(schedule => schedule.WithInterval(DeliveryCleanup.Every).RepeatForever())));
    }

    public static IEndpointRouteBuilder MapWebhooks(this IEndpointRouteBuilder routes)
    {
        WebhookEndpoints.Map(routes);
        DeliveryEndpoints.Map(routes);
        return routes;
    }

    private static void AddHosted<T>(IServiceCollection services)
        where T : BackgroundService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
