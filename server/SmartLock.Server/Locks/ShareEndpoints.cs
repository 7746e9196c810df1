using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

/// <param name="Role">viewer reads the lock; operator moves it too.</param>
/// <param name="From">When it begins to hold; at once when null.</param>
/// <param name="Until">When it ends by itself; never when null.</param>
public sealed record GrantShareRequest(string Username, ShareRole Role, DateTimeOffset? From = null, DateTimeOffset? Until = null);

internal sealed record ShareResponse(string Username, ShareRole Role, DateTimeOffset? From, DateTimeOffset? Until, DateTimeOffset CreatedAt)
{
    public static ShareResponse Of(Share share) => new(share.Username, share.Role, share.From, share.Until, share.CreatedAt);
}

/// <param name="Items">By name; all of them, since a lock has no more than 100.</param>
internal sealed record ShareListResponse(IReadOnlyList<ShareResponse> Items);

internal static class ShareEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var shares = routes.MapGroup("/api/locks/{device_id}/shares")
            .WithTags("Shares")
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound);
        shares.MapGet("/", ListAsync)
            .WithName("listShares")
            .WithSummary("Who a lock of yours is shared with")
            .RequireRateLimiting(RateLimits.Reads);
        shares.MapPost("/", GrantAsync)
            .WithName("grantShare")
            .WithSummary("Share a lock of yours with another account; 200 when this takes the place of an earlier share")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        shares.MapDelete("/{username}", RevokeAsync)
            .WithName("revokeShare")
            .WithSummary("End a share of a lock of yours, or leave one that is shared with you")
            .RequireRateLimiting(RateLimits.Commands);
    }

    private static async Task<Results<Ok<ShareListResponse>, ProblemHttpResult>> ListAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        IShareStore store,
        ClaimsPrincipal user,
        TimeProvider time,
        CancellationToken ct)
    {
        if (!LockRules.IsDeviceId(deviceId))
        {
            return LockProblems.NotFound();
        }

        return await store.ListAsync(deviceId, user.Username(), time.GetUtcNow(), ct) switch
        {
            { NotOwner: true } => LockProblems.OwnerOnly(),
            { Shares: { } shares } => TypedResults.Ok(new ShareListResponse([.. shares.Select(ShareResponse.Of)])),
            _ => LockProblems.NotFound(),
        };
    }

    private static async Task<Results<Created<ShareResponse>, Ok<ShareResponse>, ProblemHttpResult>> GrantAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        GrantShareRequest request,
        IShareStore store,
        Events<LockAccessChanged> accessChanged,
        ClaimsPrincipal user,
        HttpContext context,
        TimeProvider time,
        CancellationToken ct)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var share = new Share(request.Username, request.Role, ShareRules.Round(request.From), ShareRules.Round(request.Until), now);
        var errors = ShareRules.Check(share.From, share.Until, now);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        if (!LockRules.IsDeviceId(deviceId))
        {
            return LockProblems.NotFound();
        }

        // No account has a longer name.
        if (request.Username.Length > AccountRules.MaxUsernameLength)
        {
            share = share with { Username = "" };
        }

        var result = await store.GrantAsync(new LockChange(deviceId, user.Username(), now), share, ShareRules.MaxPerLock, ct);
        if (result.Share is { } granted)
        {
            accessChanged.Publish(LockAccessChanged.Of(deviceId, granted.Username));
        }

        return result.Outcome switch
        {
            GrantShareOutcome.Granted => TypedResults.Created($"{context.Request.PathBase}/api/locks/{deviceId}/shares", ShareResponse.Of(result.Share!)),
            GrantShareOutcome.Replaced => TypedResults.Ok(ShareResponse.Of(result.Share!)),
            GrantShareOutcome.LockNotFound => LockProblems.NotFound(),
            GrantShareOutcome.NotOwner => LockProblems.OwnerOnly(),
            GrantShareOutcome.UserNotFound => Problems.Of(StatusCodes.Status422UnprocessableEntity, "user_not_found", "There is no account of this name, or it is disabled."),
            GrantShareOutcome.Oneself =>
                Problems.Of(StatusCodes.Status422UnprocessableEntity, "shared_with_oneself", "The lock is yours: you need no share of it."),
            GrantShareOutcome.TooManyShares =>
                Problems.Of(StatusCodes.Status409Conflict, "too_many_shares", $"A lock has at most {ShareRules.MaxPerLock} shares."),
        };
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        string username,
        IShareStore store,
        Events<LockAccessChanged> accessChanged,
        ClaimsPrincipal user,
        TimeProvider time,
        CancellationToken ct)
    {
        if (!LockRules.IsDeviceId(deviceId))
        {
            return LockProblems.NotFound();
        }

        var outcome = await store.RevokeAsync(new LockChange(deviceId, user.Username(), time.GetUtcNow()), username, ct);
        if (outcome is RevokeShareOutcome.Revoked)
        {
            accessChanged.Publish(LockAccessChanged.Of(deviceId, username));
        }

        return outcome switch
        {
            RevokeShareOutcome.Revoked => TypedResults.NoContent(),
            RevokeShareOutcome.LockNotFound => LockProblems.NotFound(),
            RevokeShareOutcome.NotOwner => LockProblems.OwnerOnly(),
            RevokeShareOutcome.ShareNotFound =>
                Problems.Of(StatusCodes.Status404NotFound, "share_not_found", "The lock is not shared with an account of this name."),
        };
    }
}
