using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Heartbeats;

/// <summary>Which commands a device's verdicts and reports end. Each rule gives null for a command that is not ended. Pure.</summary>
internal static class VerdictRules
{
    /// <summary>
    /// A device's own verdict counts once, for a command of that device, also after the command has expired. Devices repeat theirs in every
    /// heartbeat. One that contradicts what the command ended with counts too, once.
    /// </summary>
    /// <param name="keyFrom">Of the lock's present key: what was said under an earlier key counts for nothing.</param>
    public static EndedCommand? Decide(Command command, Verdict verdict, long keyFrom)
    {
        if (command.DeviceId != verdict.DeviceId || verdict.KeyFrom != keyFrom)
        {
            return null;
        }

        var isFirst = command is { State: CommandState.Sent or CommandState.Expired, Result: null };
        var earlier = Contradicted(command, verdict.Result);
        return isFirst || earlier is not null
            ? CommandEndRules.End(
                command with { EarlierResult = command.EarlierResult ?? earlier },
                VerdictWords.StateFor(verdict.Result),
                verdict.Result,
                isFirst ? verdict.Result : AuditResults.After(verdict.Result, earlier!),
                AuditActors.Device(verdict.DeviceId),
                verdict.ReceivedAt)
            : null;
    }

    /// <summary>
    /// What the command had ended with, when this verdict says that the bolt was moved and that said otherwise; else null. A refusal contradicts
    /// nothing: anybody who sends a command of ours again brings about one.
    /// </summary>
    private static string? Contradicted(Command command, string verdict)
    {
        if (command is { State: CommandState.Sent } or { EarlierResult: not null } || !VerdictWords.IsMovement(verdict))
        {
            return null;
        }

        var ended = command.Result ?? AuditResults.Expired;
        return ended == verdict ? null : ended;
    }

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
        && CommandEndRules.IsOpen(command)
        && command.Action == SeenBy(report)
        && command.IssuedAt <= report.ReceivedAt
            ? CommandEndRules.End(command, CommandState.Done, VerdictWords.Done, AuditResults.Seen, AuditActors.Device(report.DeviceId), report.ReceivedAt)
            : null;

    /// <summary>What a report may show to be done; null when it can show nothing.</summary>
    public static CommandAction? SeenBy(DeviceReport report) => report switch
    {
        { Unsigned: false } => null,
        { Status: LockStatus.Locked } => CommandAction.Lock,
        { Status: LockStatus.Unlocked } => CommandAction.Unlock,
        _ => null,
    };
}
