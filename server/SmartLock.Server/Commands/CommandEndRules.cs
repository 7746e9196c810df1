using SmartLock.Server.Audit;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

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

    /// <summary>It keeps its result empty, since the device's verdict may still come.</summary>
    public static EndedCommand? Expire(Command command, DateTimeOffset expiredBefore, DateTimeOffset now) =>
        command.State is CommandState.Sent && command.ExpiresAt < expiredBefore
            ? End(command, CommandState.Expired, command.Result, AuditResults.Expired, AuditActors.System, now)
            : null;

    /// <summary>
    /// A device's own verdict counts once, for a command of that device, also after the command has expired. Devices repeat theirs in every
    /// heartbeat.
    /// </summary>
    /// <param name="keyFrom">Of the lock's present key: what was said under an earlier key counts for nothing.</param>
    public static EndedCommand? Decide(Command command, Verdict verdict, long keyFrom) =>
        command.DeviceId == verdict.DeviceId
        && command is { State: CommandState.Sent or CommandState.Expired, Result: null }
        && verdict.KeyFrom == keyFrom
            ? End(command, VerdictWords.StateFor(verdict.Result), verdict.Result, verdict.Result, AuditActors.Device(verdict.DeviceId), verdict.HeardAt)
            : null;

    /// <summary>
    /// The sketch for unsigned devices names no command in its statuses: where its bolt is ends the commands that wanted it there and were issued
    /// before. To be asked after the verdicts, since a device that has one to give knows better.
    /// </summary>
    /// <param name="keyFrom">Of the lock's present key.</param>
    /// <param name="isUnsigned">Whether the lock is unsigned now.</param>
    public static EndedCommand? See(Command command, DeviceReport report, long keyFrom, bool isUnsigned) =>
        isUnsigned
        && report.KeyFrom == keyFrom
        && command.DeviceId == report.DeviceId
        && IsOpen(command)
        && command.Action == SeenBy(report)
        && command.IssuedAt <= report.HeardAt
            ? End(command, CommandState.Done, VerdictWords.Done, AuditResults.Seen, AuditActors.Device(report.DeviceId), report.HeardAt)
            : null;

    /// <summary>What a report may show to be done; null when it can show nothing.</summary>
    public static CommandAction? SeenBy(DeviceReport report) => report switch
    {
        { Unsigned: false } => null,
        { Status: LockStatus.Locked } => CommandAction.Lock,
        { Status: LockStatus.Unlocked } => CommandAction.Unlock,
        _ => null,
    };

    private static bool IsOpen(Command command) => command is { State: CommandState.Sent, Result: null };

    private static EndedCommand End(Command command, CommandState state, string? result, string logged, string actor, DateTimeOffset now) => new(
        command with { State = state, Result = result, DecidedAt = now },
        new NewAuditEntry(now, command.DeviceId, actor, IssueRules.ActionOf(command.Action), logged, command.Id));
}
