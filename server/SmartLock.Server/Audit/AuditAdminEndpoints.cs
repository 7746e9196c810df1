using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <summary>The whole log, for admins.</summary>
internal static class AuditAdminEndpoints
{
    private static readonly TimeSpan WhenBusy = TimeSpan.FromSeconds(10);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var logs = routes.MapAdmin().MapGroup("/logs");
        logs.MapGet("/", ListAsync)
            .WithName("adminListLogs")
            .WithSummary("What was done to all locks and accounts, newest first")
            .RequireRateLimiting(RateLimits.Reads);
        AuditEndpoints.Describe(logs.MapGet("/export", ExportAsync), "adminExportLogs", "The whole log as CSV, newest first");
        logs.MapGet("/verify", VerifyAsync)
            .WithName("verifyLogs")
            .WithSummary("Whether the log is as the server wrote it; names the first entry of each chain that is not")
            .RequireRateLimiting(RateLimits.Commands);
    }

    private static Task<Results<Ok<AuditPageResponse>, ProblemHttpResult>> ListAsync(
        [AsParameters] AuditQuery query,
        string? cursor,
        [PageLimit] int? limit,
        IAuditStore store,
        CancellationToken ct) =>
        AuditEndpoints.PageAsync(query, cursor, limit, (filter, before, count) => store.ListAllAsync(filter, before, count, ct));

    private static Task<IResult> ExportAsync([AsParameters] AuditQuery query, IAuditStore store, CancellationToken ct) =>
        AuditEndpoints.CsvAsync(query, (filter, before, count) => store.ListAllAsync(filter, before, count, ct));

    private static async Task<Results<Ok<VerificationResponse>, ProblemHttpResult>> VerifyAsync(
        [FromQuery(Name = "device_id")] string? deviceId,
        AuditVerification verification,
        HttpContext context,
        CancellationToken ct) =>
        await verification.TryRunAsync(deviceId, ct) is { } report
            ? TypedResults.Ok(VerificationResponse.Of(report))
            : Problems.TooManyRequests(context, WhenBusy, "Another verification of the log is running.");
}
