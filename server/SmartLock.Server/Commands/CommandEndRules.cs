using SmartLock.Server.Audit;

namespace SmartLock.Server.Commands;

/// <param name="Command">As it is to be stored.</param>
/// <param name="Entry">To be written in the same transaction.</param>
internal sealed record EndedCommand(Command Command, NewAuditEntry Entry);

/// <summary>How commands end. Each rule gives null for a command that it does not end. Pure.</summary>
internal static class CommandEndRules
{
    /// <summary>For a command that certainly never left the server. Its idempotency key is to be cleared.</summary>
    public static EndedCommand? Fail(Command command, string result, DateTimeOffset now) =>
        IsOpen(command) ? End(command, CommandState.Failed, result, result, AuditActors.System, now) : null;

    /// <summary>
    /// It keeps its result empty, since the device's verdict may still come. One that would expire later than any command was dated by a clock that has
    /// been set back since.
    /// </summary>
    public static EndedCommand? Expire(Command command, DateTimeOffset expiredBefore, DateTimeOffset now) =>
        command.State is CommandState.Sent && (command.ExpiresAt < expiredBefore || command.ExpiresAt > now + CommandRules.FarthestExpiry)
            ? End(command, CommandState.Expired, command.Result, AuditResults.Expired, AuditActors.System, now)
            : null;

    /// <summary>Sent, and without a verdict.</summary>
    public static bool IsOpen(Command command) => command is { State: CommandState.Sent, Result: null };

    /// <param name="logged">The entry's result.</param>
    public static EndedCommand End(Command command, CommandState state, string? result, string logged, string actor, DateTimeOffset now) => new(
        command with { State = state, Result = result, DecidedAt = now },
        new NewAuditEntry(now, command.DeviceId, actor, IssueRules.ActionOf(command.Action), logged, command.Id));
}
