namespace SmartLock.Server.Commands;

internal enum IssueOutcome
{
    Issued,

    /// <summary>The same actor used the same idempotency key for the same request before: the result holds that command.</summary>
    AlreadyIssued,

    /// <summary>The same actor used the same idempotency key for another request.</summary>
    IdempotencyKeyReused,

    /// <summary>No such lock, or one that the actor has no access to at <see cref="IssueRequest.Now"/>.</summary>
    NotFound,

    /// <summary>It is shared with the actor to look at, not to move.</summary>
    NotAllowed,

    /// <summary>The device is offline.</summary>
    Offline,
}

/// <param name="Now">UTC. The command's issued_at follows from it by <see cref="CommandRules.NextIssuedAt"/>, in whole milliseconds.</param>
internal sealed record IssueRequest(
    string CommandId,
    string DeviceId,
    CommandAction Action,
    string Actor,
    string? IdempotencyKey,
    DateTimeOffset Now,
    TimeSpan Validity)
{
    /// <summary>Whether a refusal of somebody who may not move the lock goes on the record; see <see cref="Locks.RefusalRecords"/>.</summary>
    public bool RecordsRefusal { get; init; } = true;

    /// <summary>The command as it is issued.</summary>
    /// <param name="issuedAt">UTC, in whole milliseconds.</param>
    public Command IssuedAt(DateTimeOffset issuedAt) =>
        new(CommandId, DeviceId, Action, Actor, issuedAt, issuedAt + Validity, CommandState.Sent, null, null);
}

/// <summary>What publishing needs to know of the device.</summary>
/// <param name="Unsigned">The device cannot check signatures.</param>
/// <param name="OwnTopics">The device said <c>"topics":"own"</c>.</param>
/// <param name="Boot">Of its last believed status, which the command is for; null when that named none.</param>
internal sealed record DeviceRoute(byte[] ProtectedKey, bool Unsigned, bool OwnTopics, string? Boot = null);

/// <param name="Command">Set for Issued and AlreadyIssued.</param>
/// <param name="Route">Set for Issued.</param>
internal sealed record IssueResult(IssueOutcome Outcome, Command? Command = null, DeviceRoute? Route = null);

internal interface ICommandStore
{
    /// <summary>
    /// Decides and records an attempt in one durable transaction: the owner or operator, the lock's state, the idempotency key and the next
    /// issued_at are checked and taken where the command (when Issued) and the log entry are written. Every outcome but
    /// AlreadyIssued leaves a log entry, but for refusals that are not to be recorded (<c>sent</c>, <c>refused: offline</c>, <c>refused: not found</c>, <c>refused: viewer</c>, <c>refused: key reused</c>); for
    /// NotFound one is written whether the lock exists or not, so that neither the answer nor its timing tells.
    /// After Issued has been returned the entry outlives a kill of this process and a loss of power.
    /// </summary>
    Task<IssueResult> IssueAsync(IssueRequest request, CancellationToken ct);

    /// <summary>
    /// By id, for who asked for it, also after losing the lock; and for its lock's present owner, if the lock was that owner's already when it was sent.
    /// </summary>
    Task<Command?> FindAsync(string commandId, string username, CancellationToken ct);

    /// <summary>By id, whoever asked for them; at most 1,000. Unknown ids are left out.</summary>
    Task<IReadOnlyList<Command>> FindManyAsync(IReadOnlyCollection<string> commandIds, CancellationToken ct);

    /// <summary>
    /// Ends, as Failed, a command that is still Sent because it certainly never left this server; with a log entry (actor system), and with its
    /// idempotency key free again, so that a retry is a new attempt. Null when it had ended already.
    /// </summary>
    Task<Command?> FailAsync(string commandId, string result, DateTimeOffset now, CancellationToken ct);

    /// <summary>
    /// Ends, as Expired, commands still Sent whose expiry lies before <paramref name="expiredBefore"/>, at most <paramref name="limit"/>,
    /// each with a log entry (actor system, result <c>expired</c>). A device's verdict that arrives later still replaces it.
    /// </summary>
    Task<IReadOnlyList<Command>> ExpireAsync(DateTimeOffset expiredBefore, DateTimeOffset now, int limit, CancellationToken ct);
}
