using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Legacy;

/// <summary>
/// LOCK and UNLOCK with the lock in the query. Not in the API's description, which has one operation for each path and method: there it is the
/// one with a body.
/// </summary>
internal static class LegacyCommands
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        Map(routes, "/api/lock", CommandAction.Lock, "LOCK");
        Map(routes, "/api/unlock", CommandAction.Unlock, "UNLOCK");
    }

    private static void Map(IEndpointRouteBuilder routes, string path, CommandAction action, string word) => routes
        .MapPost(path, (
            [FromQuery(Name = "device_id")] string deviceId,
            CommandDispatch dispatch,
            HttpContext context,
            TimeProvider time,
            CancellationToken ct) => SendAsync(deviceId, action, word, dispatch, context, time, ct))
        .WithMetadata(QueryCommand.Instance)
        .RequireRateLimiting(RateLimits.Commands)
        .ExcludeFromDescription();

    private static async Task<Results<Ok<LegacyCommandResponse>, ProblemHttpResult>> SendAsync(
        string deviceId, CommandAction action, string word, CommandDispatch dispatch, HttpContext context, TimeProvider time, CancellationToken ct)
    {
        if (!LockRules.IsDeviceId(deviceId))
        {
            return NotYours();
        }

        var commandId = Ids.NewUlid(time.GetUtcNow());
        var result = await dispatch.SendAsync(
            commandId, deviceId, action, context.User.Username(), ClientAddress.Of(context), idempotencyKey: null, ct);
        return result switch
        {
            { Outcome: IssueOutcome.Issued, Published: PublishResult.Delivered } => TypedResults.Ok(new LegacyCommandResponse($"{word} sent")),
            { Outcome: IssueOutcome.Issued, Published: PublishResult.NotSent } => Offline("There is no connection to the device now: nothing was sent."),
            { Outcome: IssueOutcome.Issued } => Offline("The broker has not acknowledged the command: it may still reach the device."),
            { Outcome: IssueOutcome.Offline } => Offline("The device is offline; no command was sent."),
            _ => NotYours(),
        };
    }

    /// <summary>The same for a lock that is somebody else's and for one that does not exist.</summary>
    private static ProblemHttpResult NotYours() =>
        Problems.Of(StatusCodes.Status403Forbidden, "lock_not_found", "There is no such lock, or it is not yours.");

    private static ProblemHttpResult Offline(string why) => Problems.Of(StatusCodes.Status503ServiceUnavailable, "lock_offline", why);
}
