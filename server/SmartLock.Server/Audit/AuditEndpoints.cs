using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <param name="Actor">A user name; <c>device:ID</c> for what a device reported; <c>system</c> for what the server found.</param>
/// <param name="Result">For attempts <c>sent</c> or why they were refused; for verdicts the device's own word.</param>
internal sealed record AuditEntryAnswer(
    long Id,
    DateTimeOffset Time,
    string DeviceId,
    string Actor,
    string Action,
    string Result,
    string? CommandId)
{
    public static AuditEntryAnswer Of(AuditEntry entry) =>
        new(entry.Id, entry.Time, entry.DeviceId, entry.Actor, entry.Action, entry.Result, entry.CommandId);
}

internal sealed record AuditPage(IReadOnlyList<AuditEntryAnswer> Items, string? Next)
{
    public static AuditPage Of(Page<AuditEntry> page) => new([.. page.Items.Select(AuditEntryAnswer.Of)], page.Next);
}

internal static class AuditEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/logs", ListAsync)
        .WithTags("Audit")
        .WithName("listLogs")
        .WithSummary("What was done to your locks, newest first")
        .RequireRateLimiting(RateLimits.Reads);

    /// <summary>A lock that is not the asker's gives an empty page, like one that does not exist.</summary>
    private static async Task<Results<Ok<AuditPage>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "device_id")] string? deviceId,
        string? cursor,
        int? limit,
        IAuditStore store,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        if (PageRequest.CheckLimit(limit) is { } fault)
        {
            return Problems.Invalid("limit", fault);
        }

        long? before = null;
        if (cursor is not null)
        {
            if (!AuditCursor.TryDecode(cursor, out var id))
            {
                return Problems.Invalid("cursor", PageRequest.UnknownCursor);
            }

            before = id;
        }

        var page = await store.ListAsync(user.Username(), deviceId, before, limit ?? PageRequest.DefaultLimit, ct);
        return TypedResults.Ok(AuditPage.Of(page));
    }
}
