using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SmartLock.Server.Infrastructure;

/// <summary>Features register their own checks; <c>/health/ready</c> asks all of them, <c>/health/live</c> none.</summary>
internal static class Health
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false, ResponseWriter = WriteAsync })
            .AllowAnonymous();
        routes.MapHealthChecks("/health/ready", new HealthCheckOptions { ResponseWriter = WriteAsync })
            .AllowAnonymous();
    }

    /// <summary>Names and verdicts only: descriptions and exceptions may hold addresses and paths.</summary>
    private static Task WriteAsync(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(
        new HealthResponse(report.Status, [.. report.Entries.Select(e => new HealthCheckResponse(e.Key, e.Value.Status))]),
        context.RequestAborted);

    private sealed record HealthResponse(HealthStatus Status, IReadOnlyList<HealthCheckResponse> Checks);

    private sealed record HealthCheckResponse(string Name, HealthStatus Status);
}
