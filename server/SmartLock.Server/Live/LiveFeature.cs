using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Live;

internal static class LiveFeature
{
    public static IServiceCollection AddLive(this IServiceCollection services)
    {
        services.AddValidatedOptions<LiveOptions>(LiveOptions.Section, LiveOptions.Check);
        services.AddSingleton<LiveHub>();
        services.AddSingleton<LiveEvents>();
        services.AddSingleton<LiveFeed>();
        services.AddHostedService(provider => provider.GetRequiredService<LiveFeed>());
        return services.AddHostedService<LivePings>();
    }

    public static IEndpointRouteBuilder MapLive(this IEndpointRouteBuilder routes)
    {
        LiveEndpoints.Map(routes);
        return routes;
    }
}
