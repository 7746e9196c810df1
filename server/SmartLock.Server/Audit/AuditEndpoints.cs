using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

internal static class AuditEndpoints
{
    private const int ExportPage = 1_000;
    private const string ExportName = "smartlock-log.csv";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var logs = routes.MapGroup("/api/logs").WithTags("Audit");
        logs.MapGet("/", ListAsync)
            .WithName("listLogs")
            .WithSummary("What was done to your locks, newest first")
            .RequireRateLimiting(RateLimits.Reads);
        Describe(logs.MapGet("/export", ExportAsync), "exportLogs", "The log of your locks as CSV, newest first");
    }

    /// <summary>An export may be long, so it counts like a command.</summary>
    internal static void Describe(RouteHandlerBuilder export, string name, string summary) => export
        .WithName(name)
        .WithSummary(summary)
        .RequireRateLimiting(RateLimits.Commands)
        .Produces<string>(StatusCodes.Status200OK, "text/csv");

    /// <summary>A lock that is not the asker's gives an empty page, like one that does not exist.</summary>
    private static Task<Results<Ok<AuditPageResponse>, ProblemHttpResult>> ListAsync(
        [AsParameters] AuditQuery query,
        string? cursor,
        [PageLimit] int? limit,
        IAuditStore store,
        ClaimsPrincipal user,
        CancellationToken ct) =>
        PageAsync(query, cursor, limit, (filter, before, count) => store.ListAsync(user.Username(), filter, before, count, ct));

    private static Task<IResult> ExportAsync([AsParameters] AuditQuery query, IAuditStore store, ClaimsPrincipal user, CancellationToken ct) =>
        CsvAsync(query, (filter, before, count) => store.ListAsync(user.Username(), filter, before, count, ct));

    internal static async Task<Results<Ok<AuditPageResponse>, ProblemHttpResult>> PageAsync(
        AuditQuery query,
        string? cursor,
        int? limit,
        Func<AuditFilter, long?, int, Task<Page<AuditEntry>>> list)
    {
        long? before = null;
        if (cursor is not null)
        {
            if (!AuditCursor.TryDecode(cursor, out var id))
            {
                return Problems.Invalid("cursor", PageRequest.UnknownCursor);
            }

            before = id;
        }

        var (filter, errors) = query.Read();
        return errors.Count > 0
            ? Problems.Invalid(errors)
            : TypedResults.Ok(AuditPageResponse.Of(await list(filter, before, limit ?? PageRequest.DefaultLimit)));
    }

    internal static async Task<IResult> CsvAsync(AuditQuery query, Func<AuditFilter, long?, int, Task<Page<AuditEntry>>> list)
    {
        var (filter, errors) = query.Read();
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        // Before the answer begins: what goes wrong here can still be told.
        var first = await list(filter, null, ExportPage);
        return TypedResults.Stream(
            body => AuditCsv.WriteAsync(body, first, before => list(filter, before, ExportPage)),
            AuditCsv.ContentType,
            ExportName);
    }
}
