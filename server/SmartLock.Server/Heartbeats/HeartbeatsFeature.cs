namespace SmartLock.Server.Heartbeats;

internal static class HeartbeatsFeature
{
    public static IServiceCollection AddHeartbeats(this IServiceCollection services, IConfiguration configuration)
    {
        _ = configuration;
        return services;
    }
}
