using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Locks;

internal static class LockEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var locks = routes.MapGroup("/api/locks").WithTags("Locks");
        locks.MapPost("/", RegisterAsync)
            .WithName("registerLock")
            .WithSummary("Register a lock: the answer shows the device's key, once")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status409Conflict);
        locks.MapGet("/", ListAsync)
            .WithName("listLocks")
            .WithSummary("Your locks, by device id")
            .RequireRateLimiting(RateLimits.Reads);
        locks.MapGet("/{device_id}", FindAsync)
            .WithName("getLock")
            .WithSummary("One of your locks")
            .RequireRateLimiting(RateLimits.Reads)
            .ProducesProblem(StatusCodes.Status404NotFound);
        locks.MapGet("/{device_id}/status", StatusAsync)
            .WithName("getLockStatus")
            .WithSummary("What a lock's bolt does, and whether the device is heard")
            .RequireRateLimiting(RateLimits.Reads)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Created<RegisteredLockAnswer>, ProblemHttpResult>> RegisterAsync(
        RegisterLockRequest request,
        LockRegistration registration,
        IOptions<DeviceOptions> devices,
        ClaimsPrincipal user,
        HttpContext context,
        CancellationToken ct)
    {
        var errors = LockRules.Check(request.DeviceId, request.Name, request.Unsigned, devices.Value.AllowUnsigned);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        var result = await registration.RegisterAsync(request, user.Username(), ct);
        return result.Outcome switch
        {
            RegisterLockOutcome.Registered => ShowOnce(context, result.Lock!, result.Key!),
            RegisterLockOutcome.DeviceIdTaken => Problems.Of(
                StatusCodes.Status409Conflict,
                "device_id_taken",
                "A lock with this device_id is registered already."),
            RegisterLockOutcome.TooManyLocks => Problems.Of(
                StatusCodes.Status409Conflict,
                "too_many_locks",
                "You have as many locks as one account may have."),
        };
    }

    private static async Task<Results<Ok<LockPage>, ProblemHttpResult>> ListAsync(
        int? limit,
        string? cursor,
        ILockStore store,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        if (PageRequest.CheckLimit(limit) is { } fault)
        {
            return Problems.Invalid("limit", fault);
        }

        string? after = null;
        if (cursor is not null && !LockCursor.Instance.TryDecode(cursor, out after))
        {
            return Problems.Invalid("cursor", PageRequest.UnknownCursor);
        }

        var page = await store.ListAsync(user.Username(), after, limit ?? PageRequest.DefaultLimit, ct);
        return TypedResults.Ok(LockPage.Of(page));
    }

    private static async Task<Results<Ok<LockAnswer>, ProblemHttpResult>> FindAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        ILockStore store,
        ClaimsPrincipal user,
        CancellationToken ct) =>
        await FindOwnAsync(deviceId, store, user, ct) is { } found ? TypedResults.Ok(LockAnswer.Of(found)) : NotFound();

    private static async Task<Results<Ok<LockStatusAnswer>, ProblemHttpResult>> StatusAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        ILockStore store,
        ClaimsPrincipal user,
        CancellationToken ct) =>
        await FindOwnAsync(deviceId, store, user, ct) is { } found ? TypedResults.Ok(LockStatusAnswer.Of(found)) : NotFound();

    private static async Task<Lock?> FindOwnAsync(string deviceId, ILockStore store, ClaimsPrincipal user, CancellationToken ct) =>
        LockRules.IsDeviceId(deviceId) ? await store.FindAsync(deviceId, user.Username(), ct) : null;

    /// <summary>No cache on the way may keep the key.</summary>
    private static Created<RegisteredLockAnswer> ShowOnce(HttpContext context, Lock made, byte[] key)
    {
        context.Response.Headers.CacheControl = "no-store";
        var answer = new RegisteredLockAnswer(
            made.DeviceId,
            made.Name,
            made.Owner,
            made.Status,
            made.State,
            made.LastSeen,
            made.Issue,
            made.Unsigned,
            made.CreatedAt,
            Convert.ToHexStringLower(key),
            new MqttLogin(made.DeviceId, Signatures.MqttPassword(key, made.DeviceId)));
        return TypedResults.Created($"{context.Request.PathBase}/api/locks/{made.DeviceId}", answer);
    }

    private static ProblemHttpResult NotFound() =>
        Problems.Of(StatusCodes.Status404NotFound, "lock_not_found", "There is no such lock, or it is not yours.");
}
