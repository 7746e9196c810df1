using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Commands;

/// <summary>LOCK and UNLOCK, and how they ended.</summary>
internal static class CommandEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var commands = routes.MapGroup("/api").WithTags("Commands").RequireRateLimiting(RateLimits.Commands);
        Describe(commands.MapPost("/lock", LockAsync), "lock", "Lock a door");
        Describe(commands.MapPost("/unlock", UnlockAsync), "unlock", "Unlock a door");
        Describe(commands.MapPost("/locks/{device_id}/lock", LockByPathAsync), "lockByPath", "Lock a door, the lock named in the path");
        Describe(commands.MapPost("/locks/{device_id}/unlock", UnlockByPathAsync), "unlockByPath", "Unlock a door, the lock named in the path");
        routes.MapGet("/api/commands/{command_id}", FindAsync)
            .WithTags("Commands")
            .WithName("getCommand")
            .WithSummary("How a command ended, or that it has not yet")
            .RequireRateLimiting(RateLimits.Reads)
            .Produces<CommandResponse>()
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static void Describe(RouteHandlerBuilder route, string name, string summary) => route
        .WithName(name)
        .WithSummary(summary)
        .WithDescription(
            "202 with the command at once; with 'Prefer: wait=SECONDS' (RFC 7240, at most 30) 200 as soon as the device reports 'done', or 504 "
            + "with the command still pending. The attempt is in the log before the command is sent.")
        .Produces<CommandResponse>()
        .Produces<CommandResponse>(StatusCodes.Status202Accepted)
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status403Forbidden)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
        .ProducesProblem(StatusCodes.Status502BadGateway)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
        .ProducesProblem(StatusCodes.Status504GatewayTimeout);

    private static Task<IResult> LockAsync(CommandRequest request, [AsParameters] CommandContext context, CancellationToken ct) =>
        SendAsync(request.DeviceId, CommandAction.Lock, context, ct);

    private static Task<IResult> UnlockAsync(CommandRequest request, [AsParameters] CommandContext context, CancellationToken ct) =>
        SendAsync(request.DeviceId, CommandAction.Unlock, context, ct);

    private static Task<IResult> LockByPathAsync([FromRoute(Name = "device_id")] string deviceId, [AsParameters] CommandContext context, CancellationToken ct) =>
        SendAsync(deviceId, CommandAction.Lock, context, ct);

    private static Task<IResult> UnlockByPathAsync([FromRoute(Name = "device_id")] string deviceId, [AsParameters] CommandContext context, CancellationToken ct) =>
        SendAsync(deviceId, CommandAction.Unlock, context, ct);

    private static async Task<Results<Ok<CommandResponse>, ProblemHttpResult>> FindAsync(
        [FromRoute(Name = "command_id")] string commandId,
        ICommandStore store,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        var command = Ids.IsUlid(commandId) ? await store.FindAsync(commandId, user.Username(), ct) : null;
        return command is null
            ? Problems.Of(StatusCodes.Status404NotFound, "command_not_found", "There is no such command, or it is not yours.")
            : TypedResults.Ok(CommandResponse.Of(command));
    }

    private static async Task<IResult> SendAsync(string deviceId, CommandAction action, CommandContext context, CancellationToken ct)
    {
        if (!LockRules.IsDeviceId(deviceId))
        {
            return Problems.Invalid("device_id", LockRules.DeviceIdRule);
        }

        if (context.IdempotencyKey is { } key && CommandRules.CheckIdempotencyKey(key) is { } fault)
        {
            return Problems.Invalid("Idempotency-Key", fault);
        }

        var commandId = Ids.NewUlid(context.Time.GetUtcNow());
        using var waiting = context.Waiters.Begin(commandId);
        var result = await context.Dispatch.SendAsync(commandId, deviceId, action, context.User.Username(), ClientAddress.Of(context.Request.HttpContext), context.IdempotencyKey, ct);
        return result switch
        {
            { Outcome: IssueOutcome.NotFound } => LockProblems.NotFound(),
            { Outcome: IssueOutcome.NotAllowed } =>
                Problems.Of(StatusCodes.Status403Forbidden, "not_an_operator", "Your share of this lock is for viewing only."),
            { Outcome: IssueOutcome.Offline } =>
                Problems.Of(StatusCodes.Status409Conflict, "lock_offline", "The device is offline; no command was sent."),
            { Outcome: IssueOutcome.IdempotencyKeyReused } =>
                Problems.Of(StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", "This Idempotency-Key belongs to another request of yours."),
            { Command: { } command, Published: not PublishResult.Delivered } => Problems.Of(
                StatusCodes.Status503ServiceUnavailable,
                "device_unreachable",
                result.Published is PublishResult.NotSent
                    ? "There is no connection to the device now: nothing was sent. The attempt is on the record."
                    : "The broker has not acknowledged the command: it may still reach the device while it is valid. The attempt is on the record.",
                ("command", CommandResponse.Of(command))),
            { Command: { } command } => await AnswerAsync(command, waiting, context, ct),
            _ => throw new InvalidOperationException($"An outcome without a command: {result.Outcome}"),
        };
    }

    private static async Task<IResult> AnswerAsync(Command command, VerdictWaiters.Wait own, CommandContext context, CancellationToken ct)
    {
        if (CommandRules.WaitOf(context.Request.Headers["Prefer"]) is not { } wait)
        {
            return Accepted(command, context.Request);
        }

        context.Request.HttpContext.Response.Headers["Preference-Applied"] = $"wait={(int)wait.TotalSeconds}";
        var decided = command.State is CommandState.Sent ? await WaitAsync(command, own, wait, context, ct) : command;
        return decided.State switch
        {
            CommandState.Done => TypedResults.Ok(CommandResponse.Of(decided)),
            CommandState.Sent => Problems.Of(
                StatusCodes.Status504GatewayTimeout,
                "verdict_pending",
                "The device has not said yet whether it carried the command out.",
                ("command", CommandResponse.Of(decided))),
            _ => Problems.Of(
                StatusCodes.Status502BadGateway,
                "command_failed",
                $"The device did not carry the command out: {decided.Result ?? "expired"}.",
                ("command", CommandResponse.Of(decided))),
        };
    }

    private static async Task<Command> WaitAsync(Command command, VerdictWaiters.Wait own, TimeSpan wait, CommandContext context, CancellationToken ct)
    {
        if (own.CommandId == command.Id)
        {
            return await own.ForAsync(wait, context.Time, ct) ?? await LatestAsync(command, context, ct);
        }

        // A repeated request waits for the command of the first; its verdict may have come before this wait began.
        using var first = context.Waiters.Begin(command.Id);
        var latest = await LatestAsync(command, context, ct);
        return latest.State is CommandState.Sent
            ? await first.ForAsync(wait, context.Time, ct) ?? await LatestAsync(command, context, ct)
            : latest;
    }

    /// <summary>As the store has it: another replica may have received the verdict.</summary>
    private static async Task<Command> LatestAsync(Command command, CommandContext context, CancellationToken ct)
    {
        try
        {
            return await context.Store.FindAsync(command.Id, context.User.Username(), ct) ?? command;
        }
        catch (StoreUnavailableException)
        {
            // The command is on its way: "nothing was changed" would be the wrong answer.
            return command;
        }
    }

    private static Accepted<CommandResponse> Accepted(Command command, HttpRequest request) =>
        TypedResults.Accepted($"{request.PathBase}/api/commands/{command.Id}", CommandResponse.Of(command));
}

/// <summary>What a command request needs besides the lock.</summary>
internal sealed record CommandContext(
    [FromHeader(Name = "Idempotency-Key")] string? IdempotencyKey,
    HttpRequest Request,
    ClaimsPrincipal User,
    CommandDispatch Dispatch,
    ICommandStore Store,
    VerdictWaiters Waiters,
    TimeProvider Time);
