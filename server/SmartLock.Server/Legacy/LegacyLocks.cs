using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Legacy;

/// <summary>Locks under the first system's names. A lock registered here is one whose device runs its sketch, which can check no signature.</summary>
internal static class LegacyLocks
{
    /// <summary>Its list has no pages; whoever has more locks than this uses the list that has.</summary>
    private const int Most = 1_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var locks = routes.MapGroup("/locks");
        locks.MapPost("/register", RegisterAsync)
            .RequireRateLimiting(RateLimits.Commands)
            .Deprecated("originalRegisterLock", "Register a lock that runs the first sketch", "POST /api/locks");
        locks.MapGet("/", ListAsync)
            .RequireRateLimiting(RateLimits.Reads)
            .Deprecated("originalListLocks", $"Your locks and those shared with you, the first {Most}", "GET /api/locks");
        locks.MapGet("/{device_id}/status", StatusAsync)
            .RequireRateLimiting(RateLimits.Reads)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .Deprecated("originalLockStatus", "The position of a lock's bolt, and whether the device is online", "GET /api/locks/{device_id}/status");
        locks.MapPut("/{device_id}/reassign", ReassignAsync)
            .RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireRole(nameof(Role.Admin)))
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .Deprecated("originalReassign", "Give a lock to another account", "PUT /api/admin/locks/{device_id}/owner");
    }

    private static async Task<Results<Ok<LegacyRegisteredLock>, ProblemHttpResult>> RegisterAsync(
        LegacyNewLock body,
        LockRegistration registration,
        IOptions<DeviceOptions> devices,
        ClaimsPrincipal user,
        HttpContext context,
        CancellationToken ct)
    {
        var errors = LockRules.Check(body.DeviceId, body.Name, unsigned: true, allowUnsigned: true);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        if (!devices.Value.AllowUnsigned)
        {
            return Problems.Of(
                StatusCodes.Status400BadRequest,
                "unsigned_not_allowed",
                "This server's operator must set Devices:AllowUnsigned before a lock whose device cannot check signatures may be registered.");
        }

        var result = await registration.RegisterAsync(new RegisterLockRequest(body.DeviceId, body.Name, Unsigned: true), user.Username(), ct);
        return result.Outcome switch
        {
            RegisterLockOutcome.Registered => ShowOnce(context, result.Lock!.DeviceId, result.Key!),
            RegisterLockOutcome.DeviceIdTaken => Problems.Of(
                StatusCodes.Status400BadRequest, "device_id_taken", "A lock with this device_id is registered already."),
            RegisterLockOutcome.TooManyLocks => Problems.Of(
                StatusCodes.Status400BadRequest, "too_many_locks", "You have as many locks as one account may have."),
        };
    }

    private static async Task<Ok<IReadOnlyList<LegacyLock>>> ListAsync(
        ILockStore store, ClaimsPrincipal user, TimeProvider time, CancellationToken ct)
    {
        List<LegacyLock> all = [];
        string? after = null;
        do
        {
            var page = await store.ListAsync(user.Username(), time.GetUtcNow(), after, PageRequest.MaxLimit, ct);
            all.AddRange(page.Items.Select(item => LegacyLock.Of(item.Lock)));
            after = page.Next is null ? null : page.Items[^1].Lock.DeviceId;
        }
        while (after is not null && all.Count < Most);

        return TypedResults.Ok<IReadOnlyList<LegacyLock>>(all);
    }

    private static async Task<Results<Ok<LegacyLockStatus>, ProblemHttpResult>> StatusAsync(
        [FromRoute(Name = "device_id")] string deviceId, ILockStore store, ClaimsPrincipal user, TimeProvider time, CancellationToken ct)
    {
        var found = LockRules.IsDeviceId(deviceId) ? await store.FindAsync(deviceId, user.Username(), time.GetUtcNow(), ct) : null;
        return found is null
            ? Problems.Of(StatusCodes.Status404NotFound, "lock_not_found", "There is no such lock, or it is not yours.")
            : TypedResults.Ok(LegacyLockStatus.Of(found.Lock));
    }

    private static async Task<Results<Ok<LegacyMessage>, ProblemHttpResult>> ReassignAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        [FromQuery(Name = "new_owner")] string newOwner,
        LockChanges changes,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        if (!LockRules.IsDeviceId(deviceId))
        {
            return NoSuchLock();
        }

        var result = await changes.ReassignAsync(deviceId, newOwner, user.Username(), ct);
        return result.Outcome switch
        {
            ReassignOutcome.Reassigned or ReassignOutcome.AlreadyOwner =>
                TypedResults.Ok(new LegacyMessage($"{deviceId} belongs to {result.Lock!.Owner} now.")),
            ReassignOutcome.LockNotFound => NoSuchLock(),
            ReassignOutcome.UserNotFound => Problems.Of(
                StatusCodes.Status404NotFound, "user_not_found", "There is no account of this name, or it is disabled."),
            ReassignOutcome.TooManyLocks => Problems.Of(
                StatusCodes.Status400BadRequest, "too_many_locks", "That account has as many locks as one account may have."),
        };
    }

    private static ProblemHttpResult NoSuchLock() => Problems.Of(StatusCodes.Status404NotFound, "lock_not_found", "There is no such lock.");

    /// <summary>No cache on the way may keep the password.</summary>
    private static Ok<LegacyRegisteredLock> ShowOnce(HttpContext context, string deviceId, byte[] key)
    {
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new LegacyRegisteredLock(
            "The lock is registered. Give its sketch this MQTT login; it is not shown again.",
            deviceId,
            Signatures.MqttPassword(key, deviceId)));
    }
}
