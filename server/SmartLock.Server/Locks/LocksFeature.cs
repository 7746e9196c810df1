namespace SmartLock.Server.Locks;

internal static class LocksFeature
{
    public static IServiceCollection AddLocks(this IServiceCollection services, IConfiguration configuration)
    {
        _ = configuration;
        return services;
    }

    public static IEndpointRouteBuilder MapLocks(this IEndpointRouteBuilder routes) => routes;
}
