namespace SmartLock.Server.Audit;

internal static class AuditFeature
{
    public static IEndpointRouteBuilder MapAudit(this IEndpointRouteBuilder routes)
    {
        AuditEndpoints.Map(routes);
        return routes;
    }
}
