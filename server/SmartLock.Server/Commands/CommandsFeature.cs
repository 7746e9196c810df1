namespace SmartLock.Server.Commands;

internal static class CommandsFeature
{
    public static IServiceCollection AddCommands(this IServiceCollection services, IConfiguration configuration)
    {
        _ = configuration;
        return services;
    }

    public static IEndpointRouteBuilder MapCommands(this IEndpointRouteBuilder routes) => routes;
}
