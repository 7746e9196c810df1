using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Live;

internal static class LiveFeature
{
    public static IServiceCollection AddLive(this IServiceCollection services)
    {
        services.AddValidatedOptions<LiveOptions>(LiveOptions.Section, LiveOptions.Check);
        services.AddOptions<LiveOptions>()
            .PostConfigure<ConnectionBounds>((live, bounds) => live.MaxStreams ??= Math.Min(LiveOptions.MostByDefault, bounds.Http / 2))
            .Validate<ConnectionBounds>(
                (live, bounds) => live.MaxStreams <= bounds.Http / 2,
                $"{LiveOptions.Section}:{nameof(LiveOptions.MaxStreams)} must be at most half of {ConnectionBounds.HttpSetting}: each stream takes a connection.");
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
