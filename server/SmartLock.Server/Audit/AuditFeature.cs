using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

internal static class AuditFeature
{
    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.AddValidatedOptions<AuditOptions>("Audit", AuditOptions.Check);
        services.AddSingleton<AuditKey>();
        services.AddSingleton(provider =>
        {
            var key = provider.GetRequiredService<AuditKey>().Key;
            return new AuditChain(() => key.Value);
        });
        return services.AddSingleton<AuditVerification>();
    }

    public static IEndpointRouteBuilder MapAudit(this IEndpointRouteBuilder routes)
    {
        AuditEndpoints.Map(routes);
        AuditAdminEndpoints.Map(routes);
        return routes;
    }
}
