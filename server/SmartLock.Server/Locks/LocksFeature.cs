using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

internal static class LocksFeature
{
    public static IServiceCollection AddLocks(this IServiceCollection services)
    {
        services.AddValidatedOptions<LockOptions>(LockOptions.Section, LockOptions.Check);
        return services.AddSingleton<LockRegistration>();
    }

    public static IEndpointRouteBuilder MapLocks(this IEndpointRouteBuilder routes)
    {
        LockEndpoints.Map(routes);
        return routes;
    }
}
