namespace SmartLock.Server.Infrastructure;

internal static class InfrastructureFeature
{
    public static IServiceCollection AddInfrastructure(this IServiceCollection services, IConfiguration configuration)
    {
        _ = configuration;
        return services;
    }

    public static IEndpointRouteBuilder MapInfrastructure(this IEndpointRouteBuilder routes) => routes;
}
