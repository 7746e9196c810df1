using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

internal static class LocksFeature
{
    public static IServiceCollection AddLocks(this IServiceCollection services)
    {
        services.AddValidatedOptions<LockOptions>(LockOptions.Section, LockOptions.Check);
        services.AddSingleton<DeviceMutex>();
        services.AddSingleton<LockChanges>();
        services.AddSingleton<RefusalRecords>();
        services.AddSingleton<DevicePreparation>();
        return services.AddSingleton<LockRegistration>();
    }

    public static IEndpointRouteBuilder MapLocks(this IEndpointRouteBuilder routes)
    {
        LockEndpoints.Map(routes);
        LockChangeEndpoints.Map(routes);
        ShareEndpoints.Map(routes);
        LockAdminEndpoints.Map(routes);
        DeviceAdminEndpoints.Map(routes);
        return routes;
    }
}
