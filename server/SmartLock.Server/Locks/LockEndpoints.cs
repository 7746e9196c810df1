using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using SmartLock.Server.Messaging;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

internal static class LockEndpoints
{
    private static readonly TimeSpan DiagnosedTime = TimeSpan.FromHours(24);

    /// <summary>More than a device can come and go in a day; see CachedDevice.MayBeLost.</summary>
    private const int MaxChangesRead = 30_000;

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
            .WithSummary("Your locks and those shared with you, by device id")
            .RequireRateLimiting(RateLimits.Reads);
        locks.MapGet("/{device_id}", FindAsync)
            .WithName("getLock")
            .WithSummary("A lock of yours, or shared with you")
            .RequireRateLimiting(RateLimits.Reads)
            .ProducesProblem(StatusCodes.Status404NotFound);
        locks.MapGet("/{device_id}/status", StatusAsync)
            .WithName("getLockStatus")
            .WithSummary("The position of a lock's bolt, and whether the device is online")
            .RequireRateLimiting(RateLimits.Reads)
            .ProducesProblem(StatusCodes.Status404NotFound);
        locks.MapGet("/{device_id}/diagnostics", DiagnoseAsync)
            .WithName("getLockDiagnostics")
            .WithSummary("What a lock's device reported about itself, and when it was offline in the last 24 hours")
            .RequireRateLimiting(RateLimits.Reads)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Created<RegisteredLockResponse>, ProblemHttpResult>> RegisterAsync(
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
            RegisterLockOutcome.Registered => Created(context, result.Lock!, result.Key!),
            RegisterLockOutcome.DeviceIdTaken => Problems.Of(
                StatusCodes.Status409Conflict,
                "device_id_taken",
                "A lock with this device_id is registered already."),
            RegisterLockOutcome.TooManyLocks => LockProblems.TooManyLocks(),
        };
    }

    private static Created<RegisteredLockResponse> Created(HttpContext context, Lock made, byte[] key)
    {
        LockProblems.KeepNowhere(context);
        return TypedResults.Created($"{context.Request.PathBase}/api/locks/{made.DeviceId}", RegisteredLockResponse.Of(made, key));
    }

    private static async Task<Results<Ok<LockPageResponse>, ProblemHttpResult>> ListAsync(
        [PageLimit] int? limit,
        string? cursor,
        ILockStore store,
        ClaimsPrincipal user,
        TimeProvider time,
        CancellationToken ct)
    {
        if (PageRequest.Refuse(cursor, LockCursor.Instance, out var after) is { } refusal)
        {
            return refusal;
        }

        var page = await store.ListAsync(user.Username(), time.GetUtcNow(), after, limit ?? PageRequest.DefaultLimit, ct);
        return TypedResults.Ok(LockPageResponse.Of(page));
    }

    private static async Task<Results<Ok<VisibleLockResponse>, ProblemHttpResult>> FindAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        ILockStore store,
        ClaimsPrincipal user,
        TimeProvider time,
        CancellationToken ct) =>
        await FindVisibleAsync(deviceId, store, user, time, ct) is { } found ? TypedResults.Ok(VisibleLockResponse.Of(found)) : LockProblems.NotFound();

    private static async Task<Results<Ok<LockStatusResponse>, ProblemHttpResult>> StatusAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        ILockStore store,
        ClaimsPrincipal user,
        TimeProvider time,
        CancellationToken ct) =>
        await FindVisibleAsync(deviceId, store, user, time, ct) is { } found ? TypedResults.Ok(LockStatusResponse.Of(found)) : LockProblems.NotFound();

    private static async Task<Results<Ok<DiagnosticsResponse>, ProblemHttpResult>> DiagnoseAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        ILockStore store,
        ClaimsPrincipal user,
        TimeProvider time,
        CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var since = now - DiagnosedTime;
        var history = LockRules.IsDeviceId(deviceId)
            ? await store.FindHistoryAsync(deviceId, user.Username(), now, since, MaxChangesRead, ct)
            : null;
        return history is null
            ? LockProblems.NotFound()
            : TypedResults.Ok(DiagnosticsResponse.Of(history.Visible, since, HeartbeatGaps.Of(history.Changes, since, now)));
    }

    private static async Task<VisibleLock?> FindVisibleAsync(string deviceId, ILockStore store, ClaimsPrincipal user, TimeProvider time, CancellationToken ct) =>
        LockRules.IsDeviceId(deviceId) ? await store.FindAsync(deviceId, user.Username(), time.GetUtcNow(), ct) : null;
}
