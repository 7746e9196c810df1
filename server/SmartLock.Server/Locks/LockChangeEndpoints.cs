using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

/// <summary>What is left out stays as it is.</summary>
public sealed record ChangeLockRequest([property: PlainText(LockRules.MaxNameLength)] string? Name = null);

/// <param name="Unsigned">False makes an unsigned lock one like all others; it cannot be made unsigned again.</param>
public sealed record RotateKeyRequest(bool? Unsigned = null);

public sealed record ClaimLockRequest(
    [property: DeviceId] string DeviceId, [property: ClaimCode] string Code, [property: PlainText(LockRules.MaxNameLength)] string Name)
{
    /// <summary>Without the code.</summary>
    public override string ToString() => $"Claim of {DeviceId}";
}

/// <summary>What only a lock's owner may do with it, and how one becomes its owner by the code that came with the device.</summary>
internal static class LockChangeEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var locks = routes.MapGroup("/api/locks").WithTags("Locks").RequireRateLimiting(RateLimits.Commands);
        locks.MapPost("/claim", ClaimAsync)
            .WithName("claimLock")
            .WithSummary("Become the owner of a prepared device, by the code that came with it")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        OwnerOnly(locks.MapPatch("/{device_id}", ChangeAsync)).WithName("renameLock").WithSummary("Give a lock another name");
        OwnerOnly(locks.MapDelete("/{device_id}", RemoveAsync))
            .WithName("removeLock")
            .WithSummary("Remove a lock with its key, shares and commands; its log stays");
        OwnerOnly(locks.MapPost("/{device_id}/rotate-key", RotateKeyAsync))
            .WithName("rotateLockKey")
            .WithSummary("Give a lock's device a new key, shown once; the old one ends at once");
    }

    private static RouteHandlerBuilder OwnerOnly(RouteHandlerBuilder route) =>
        route.ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status404NotFound);

    private static async Task<Results<Ok<VisibleLockResponse>, ProblemHttpResult>> ChangeAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        ChangeLockRequest request,
        ILockStore store,
        ClaimsPrincipal user,
        TimeProvider time,
        CancellationToken ct)
    {
        if (request is { Name: null })
        {
            return Problems.Invalid("body", "must change name");
        }

        if (!LockRules.IsDeviceId(deviceId))
        {
            return LockProblems.NotFound();
        }

        var now = time.GetUtcNow();
        var outcome = await store.EditAsync(new LockChange(deviceId, user.Username(), now), new LockEdit(request.Name), ct);
        if (Refusal(outcome) is { } refusal)
        {
            return refusal;
        }

        return await store.FindAsync(deviceId, user.Username(), now, ct) is { } changed ? TypedResults.Ok(VisibleLockResponse.Of(changed)) : LockProblems.NotFound();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        LockChanges changes,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        if (!LockRules.IsDeviceId(deviceId))
        {
            return LockProblems.NotFound();
        }

        return Refusal(await changes.RemoveAsync(deviceId, user.Username(), ct)) is { } refusal ? refusal : TypedResults.NoContent();
    }

    private static async Task<Results<Ok<RegisteredLockResponse>, ProblemHttpResult>> RotateKeyAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        RotateKeyRequest? request,
        LockChanges changes,
        ClaimsPrincipal user,
        HttpContext context,
        CancellationToken ct)
    {
        if (request?.Unsigned is true)
        {
            return Problems.Invalid("unsigned", "must be false: only a registration makes a lock unsigned");
        }

        if (!LockRules.IsDeviceId(deviceId))
        {
            return LockProblems.NotFound();
        }

        var rotation = await changes.RotateKeyAsync(deviceId, user.Username(), endUnsigned: request?.Unsigned is false, ct);
        if (Refusal(rotation.Outcome) is { } refusal)
        {
            return refusal;
        }

        LockProblems.KeepNowhere(context);
        return TypedResults.Ok(RegisteredLockResponse.Of(rotation.Lock!, rotation.Key!));
    }

    private static async Task<Results<Created<VisibleLockResponse>, ProblemHttpResult>> ClaimAsync(
        ClaimLockRequest request,
        IPairingStore store,
        RefusalRecords refusals,
        Events<LockAccessChanged> accessChanged,
        IOptions<LockOptions> options,
        TimeProvider time,
        ClaimsPrincipal user,
        HttpContext context,
        CancellationToken ct)
    {
        // Whole milliseconds, as the store keeps them: the answer shows what later reads will.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var network = ClientAddress.Of(context);
        var change = new LockChange(request.DeviceId, user.Username(), now)
        {
            RecordsRefusal = refusals.MayRecord(request.DeviceId, user.Username(), network),
        };
        var result = await store.ClaimAsync(change, request.Name, ClaimCode.HashOf(request.Code)!, options.Value.MaxPerOwner, ct);
        if (result.Outcome is ClaimOutcome.Claimed)
        {
            accessChanged.Publish(LockAccessChanged.Of(request.DeviceId, change.Actor));
        }
        else if (result.Outcome is ClaimOutcome.Refused && change.RecordsRefusal)
        {
            refusals.Count(request.DeviceId, change.Actor, network);
        }

        return result.Outcome switch
        {
            ClaimOutcome.Claimed => TypedResults.Created(
                $"{context.Request.PathBase}/api/locks/{request.DeviceId}",
                VisibleLockResponse.Of(result.Lock!, LockAccess.Owner)),
            ClaimOutcome.Refused => Problems.Of(
                StatusCodes.Status404NotFound,
                "claim_refused",
                "No such device waits for its owner, or the code is not its code."),
            ClaimOutcome.TooManyLocks => LockProblems.TooManyLocks(),
        };
    }

    private static ProblemHttpResult? Refusal(ChangeLockOutcome outcome) => outcome switch
    {
        ChangeLockOutcome.Changed => null,
        ChangeLockOutcome.NotFound => LockProblems.NotFound(),
        ChangeLockOutcome.NotOwner => LockProblems.OwnerOnly(),
    };
}
