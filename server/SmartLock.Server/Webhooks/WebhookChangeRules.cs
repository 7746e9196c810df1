using SmartLock.Server.Audit;

namespace SmartLock.Server.Webhooks;

/// <summary>How it stands with a webhook's queue.</summary>
/// <param name="InactiveReason">Null while active.</param>
/// <param name="DueAt">When the next attempt may be made, null when nothing is pending; while an attempt is made it is when the lease ends.</param>
/// <param name="Lease">Whose the attempt is that is being made.</param>
/// <param name="Failures">How many attempts failed in a row.</param>
/// <param name="DeadInARow">How many deliveries died since one was delivered.</param>
internal sealed record WebhookState(bool Active, string? InactiveReason, DateTimeOffset? DueAt, string? Lease, int Failures, int DeadInARow)
{
    /// <summary>Of a webhook that was just made.</summary>
    public static readonly WebhookState New = new(Active: true, null, null, null, 0, 0);

    /// <summary>Takes nothing and attempts nothing; what is pending is to be ended as <see cref="DeliveryReasons.Deactivated"/>.</summary>
    public WebhookState Off(string reason) => this with { Active = false, InactiveReason = reason, DueAt = null, Lease = null };
}

/// <param name="EndsPending">It was switched off: what is pending becomes dead.</param>
internal sealed record WebhookUpdate(string Url, IReadOnlyList<string> Events, WebhookState State, bool EndsPending);

/// <summary>What becomes of a webhook that its account makes or changes, and what the log says of it.</summary>
internal static class WebhookChangeRules
{
    /// <param name="maySeeLock">True for a webhook that is about no certain lock.</param>
    /// <param name="count">How many the account has.</param>
    public static CreateWebhookOutcome Create(bool maySeeLock, int count, int most)
    {
        if (!maySeeLock)
        {
            return CreateWebhookOutcome.LockNotFound;
        }

        return count >= most ? CreateWebhookOutcome.TooMany : CreateWebhookOutcome.Created;
    }

    public static WebhookUpdate Change(Webhook webhook, WebhookState state, WebhookChange change, DateTimeOffset now)
    {
        var isSwitchedOff = change.Active is false && state.Active;
        var after = change.Active switch
        {
            // Its past failures are forgotten, and what waits is attempted at once unless it is being attempted just now.
            true => state with
            {
                Active = true,
                InactiveReason = null,
                Failures = 0,
                DeadInARow = 0,
                DueAt = state is { Lease: null, DueAt: not null } ? now : state.DueAt,
            },
            _ => isSwitchedOff ? state.Off(InactiveReasons.ByOwner) : state,
        };
        return new WebhookUpdate(change.Url ?? webhook.Url, change.Events ?? webhook.Events, after, isSwitchedOff);
    }

    public static NewAuditEntry Created(string username, DateTimeOffset now) => Entry(username, AuditActions.WebhookCreated, now);

    public static NewAuditEntry Changed(string username, DateTimeOffset now) => Entry(username, AuditActions.WebhookChanged, now);

    public static NewAuditEntry SecretReplaced(string username, DateTimeOffset now) => Entry(username, AuditActions.WebhookRotated, now);

    public static NewAuditEntry Deleted(string username, DateTimeOffset now) => Entry(username, AuditActions.WebhookDeleted, now);

    private static NewAuditEntry Entry(string username, string action, DateTimeOffset now) =>
        new(now, AuditSubjects.Accounts, username, action, AuditResults.WebhookDone);
}
