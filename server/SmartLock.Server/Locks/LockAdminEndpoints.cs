using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

public sealed record ReassignLockRequest(string Owner);

internal sealed record AdminLockPageResponse(IReadOnlyList<LockResponse> Items, string? Next);

internal static class LockAdminEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var locks = routes.MapAdmin().MapGroup("/locks");
        locks.MapGet("/", ListAsync)
            .WithName("adminListLocks")
            .WithSummary("Everybody's locks, by device id; of one owner or in one state if asked so")
            .RequireRateLimiting(RateLimits.Reads);
        locks.MapPut("/{device_id}/owner", ReassignAsync)
            .WithName("reassignLock")
            .WithSummary("Give a lock to another account: the old owner and everybody it was shared with lose it at once")
            .WithDescription("The device keeps its key. Where a former owner may have kept a copy, the new owner rotates it.")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity);
    }

    private static async Task<Results<Ok<AdminLockPageResponse>, ProblemHttpResult>> ListAsync(
        string? owner,
        string? state,
        [PageLimit] int? limit,
        string? cursor,
        ILockAdminStore store,
        CancellationToken ct)
    {
        if (PageRequest.Refuse(cursor, LockCursor.Everybodys, out var after) is { } refusal)
        {
            return refusal;
        }

        LockState? wanted = state switch
        {
            nameof(LockState.Available) => LockState.Available,
            nameof(LockState.Unavailable) => LockState.Unavailable,
            _ => null,
        };
        if (state is not null && wanted is null)
        {
            return Problems.Invalid("state", "must be Available or Unavailable");
        }

        var page = await store.ListAsync(owner, wanted, after, limit ?? PageRequest.DefaultLimit, ct);
        return TypedResults.Ok(new AdminLockPageResponse([.. page.Items.Select(LockResponse.Of)], page.Next));
    }

    private static async Task<Results<Ok<LockResponse>, ProblemHttpResult>> ReassignAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        ReassignLockRequest request,
        LockChanges changes,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        if (!LockRules.IsDeviceId(deviceId))
        {
            return NotFound();
        }

        var result = await changes.ReassignAsync(deviceId, request.Owner, user.Username(), ct);
        return result.Outcome switch
        {
            ReassignOutcome.Reassigned or ReassignOutcome.AlreadyOwner => TypedResults.Ok(LockResponse.Of(result.Lock!)),
            ReassignOutcome.LockNotFound => NotFound(),
            ReassignOutcome.UserNotFound =>
                Problems.Of(StatusCodes.Status422UnprocessableEntity, "user_not_found", "There is no account of this name, or it is disabled."),
            ReassignOutcome.TooManyLocks =>
                Problems.Of(StatusCodes.Status409Conflict, "too_many_locks", "That account has as many locks as one account may have."),
        };
    }

    private static ProblemHttpResult NotFound() => Problems.Of(StatusCodes.Status404NotFound, "lock_not_found", "There is no such lock.");
}
