using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Commands;

/// <summary>A lock that the actor of a command may see, as far as the command depends on it.</summary>
/// <param name="Access">The actor's, at the time of the request.</param>
/// <param name="LastIssuedAt">Unix milliseconds; 0 before the first command.</param>
internal sealed record LockForCommand(LockAccess Access, LockState State, long LastIssuedAt, DeviceRoute Route);

/// <param name="Result">When its outcome is Issued, the command is to be stored, and its time of issue as the lock's last one.</param>
/// <param name="Entry">To be written in the same transaction; null for AlreadyIssued, and for a refusal that is not to be recorded.</param>
internal sealed record IssueDecision(IssueResult Result, NewAuditEntry? Entry);

/// <summary>Whether a command is issued. Pure.</summary>
internal static class IssueRules
{
    /// <summary>The key comes first: a retry gets the first answer whatever has become of the lock since.</summary>
    /// <param name="earlier">What the actor asked for with the same idempotency key; null when there is no key, or nothing.</param>
    /// <param name="found">Null for a lock that the actor may not see; not looked at when there is an earlier command.</param>
    public static IssueDecision Decide(IssueRequest request, Command? earlier, LockForCommand? found) => (earlier, found) switch
    {
        ({ } first, _) when first.DeviceId == request.DeviceId && first.Action == request.Action =>
            new(new IssueResult(IssueOutcome.AlreadyIssued, first), null),
        ({ }, _) => RefuseStranger(request, IssueOutcome.IdempotencyKeyReused, AuditResults.KeyReused),
        (_, null) => RefuseStranger(request, IssueOutcome.NotFound, AuditResults.NotFound),
        (_, { Access: LockAccess.Viewer }) => RefuseStranger(request, IssueOutcome.NotAllowed, AuditResults.Viewer),
        (_, { State: not LockState.Available }) => Refuse(request, IssueOutcome.Offline, AuditResults.Offline),
        (_, { } usable) => Issue(request, usable),
    };

    /// <summary>Whether it is the refusal of somebody who may not move the lock, or was not even looked for among those who may.</summary>
    public static bool IsStranger(IssueOutcome outcome) =>
        outcome is IssueOutcome.NotFound or IssueOutcome.NotAllowed or IssueOutcome.IdempotencyKeyReused;

    public static string ActionOf(CommandAction action) => action switch
    {
        CommandAction.Lock => AuditActions.LockCommand,
        CommandAction.Unlock => AuditActions.UnlockCommand,
    };

    private static IssueDecision Issue(IssueRequest request, LockForCommand usable)
    {
        var issuedAt = CommandRules.NextIssuedAt(request.Now.ToUnixTimeMilliseconds(), usable.LastIssuedAt);
        var command = request.IssuedAt(DateTimeOffset.FromUnixTimeMilliseconds(issuedAt));
        return new IssueDecision(
            new IssueResult(IssueOutcome.Issued, command, usable.Route),
            new NewAuditEntry(request.Now, request.DeviceId, request.Actor, ActionOf(request.Action), AuditResults.Sent, command.Id));
    }

    private static IssueDecision RefuseStranger(IssueRequest request, IssueOutcome outcome, string result) =>
        request.RecordsRefusal ? Refuse(request, outcome, result) : new IssueDecision(new IssueResult(outcome), null);

    private static IssueDecision Refuse(IssueRequest request, IssueOutcome outcome, string result) =>
        new(new IssueResult(outcome), new NewAuditEntry(request.Now, request.DeviceId, request.Actor, ActionOf(request.Action), result));
}
