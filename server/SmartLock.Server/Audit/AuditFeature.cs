using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

internal static class AuditFeature
{
    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.AddValidatedOptions<AuditOptions>("Audit", AuditOptions.Check);
        services.AddSingleton(provider => AuditChain.Load(
            provider.GetRequiredService<IOptions<AuditOptions>>(),
            provider.GetRequiredService<DataFolder>()));
        return services.AddSingleton<AuditVerification>();
    }

    public static IEndpointRouteBuilder MapAudit(this IEndpointRouteBuilder routes)
    {
        AuditEndpoints.Map(routes);
        AuditAdminEndpoints.Map(routes);
        return routes;
    }
}
