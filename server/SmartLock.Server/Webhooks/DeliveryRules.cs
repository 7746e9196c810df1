namespace SmartLock.Server.Webhooks;

/// <summary>How far a delivery has come: what changes of it.</summary>
/// <param name="EndedAt">Null while pending.</param>
internal sealed record DeliveryProgress(DeliveryState State, int Attempts, int? StatusCode, string? Reason, DateTimeOffset GiveUpAt, DateTimeOffset? EndedAt);

/// <summary>What becomes of a webhook, and of the delivery it was about.</summary>
/// <param name="Delivery">Null when it stays as it is.</param>
/// <param name="Webhook">Null when it stays as it is, since the lease is another's.</param>
/// <param name="EndsPending">The webhook was switched off: what else is pending becomes dead.</param>
internal sealed record QueueUpdate(DeliveryProgress? Delivery, WebhookState? Webhook, bool EndsPending = false);

/// <param name="Delivery">The delivery at the head after it, null when it stays.</param>
/// <param name="IsAttempted">Otherwise, while the webhook stays active, the one behind it is looked at.</param>
internal sealed record HeadDecision(bool IsAttempted, DeliveryProgress? Delivery, WebhookState Webhook, bool EndsPending = false);

/// <summary>How much of a claim's room is left while it goes through the webhooks in the order in which they are due.</summary>
internal sealed class RoomLeft(ClaimRoom room)
{
    private readonly Dictionary<string, int> _busy = new(room.Busy, StringComparer.Ordinal);
    private int _left = room.Most;

    public bool IsNone => _left <= 0;

    /// <summary>False for a webhook whose account has as much as it may have, or when there is no more room.</summary>
    public bool TryTake(string account)
    {
        var busy = _busy.GetValueOrDefault(account);
        if (IsNone || busy >= room.MostOfAccount)
        {
            return false;
        }

        _busy[account] = busy + 1;
        _left--;
        return true;
    }
}

/// <summary>The rules of the queue: what is taken into it, what comes out of it, and what an attempt changes.</summary>
internal static class DeliveryRules
{
    /// <summary>Passed over without an attempt in one turn, at most; the webhook stays due and the next turn goes on.</summary>
    public const int MostPassedOver = 100;

    /// <summary>Whether a delivery may be queued by the account itself.</summary>
    /// <param name="webhook">Null when there is none of the account's.</param>
    public static QueueOutcome Queue(WebhookState? webhook, bool isFull) => webhook switch
    {
        null => QueueOutcome.NotFound,
        { Active: false } => QueueOutcome.Inactive,
        _ => isFull ? QueueOutcome.TooMany : QueueOutcome.Queued,
    };

    /// <param name="state">Of the delivery; null when the webhook has none of that id.</param>
    public static QueueOutcome Retry(WebhookState? webhook, DeliveryState? state, bool isFull) => Queue(webhook, isFull: false) switch
    {
        QueueOutcome.Queued when state is null => QueueOutcome.NotFound,
        QueueOutcome.Queued when isFull => QueueOutcome.TooMany,
        QueueOutcome.Queued when state is not DeliveryState.Dead => QueueOutcome.NotDead,
        var outcome => outcome,
    };

    /// <summary>A dead delivery that is pending again, in its old place; the webhook tries at once unless it is at work.</summary>
    public static QueueUpdate Retried(WebhookState webhook, DeliveryProgress delivery, DateTimeOffset now, DateTimeOffset giveUpAt) => new(
        delivery with { State = DeliveryState.Pending, Attempts = 0, Reason = null, GiveUpAt = giveUpAt, EndedAt = null },
        webhook with { Failures = 0, DueAt = webhook.Lease is null ? now : webhook.DueAt });

    /// <summary>When a webhook that something was queued for is due: as it was, or at once if it was at rest.</summary>
    public static DateTimeOffset DueAfterQueueing(DateTimeOffset? dueAt, DateTimeOffset now) => dueAt ?? now;

    /// <summary>
    /// When the next attempt of any webhook is due. What lies further ahead than any attempt is put off was dated by a clock that has been set back
    /// since.
    /// </summary>
    /// <param name="first">The earliest that any webhook is due; null when nothing is pending.</param>
    public static DateTimeOffset? NextDue(DateTimeOffset? first, DateTimeOffset? last, DateTimeOffset now) =>
        last > now + WebhookRules.FarthestDue ? now : first;

    /// <summary>What is done with the oldest pending delivery of a webhook whose turn it is.</summary>
    /// <param name="maySee">The account is enabled and may see the lock that it is about, if it is about one.</param>
    public static HeadDecision Head(WebhookState webhook, DeliveryProgress head, bool maySee, DateTimeOffset now)
    {
        if (!maySee)
        {
            return new HeadDecision(
                false, head with { State = DeliveryState.Dropped, Reason = DeliveryReasons.AccessLost, EndedAt = now }, webhook);
        }

        // Past its time, and the receiver fails: it dies untried. If the receiver does not fail, the server was away, and it is tried.
        if (webhook.Failures > 0 && head.GiveUpAt <= now)
        {
            var dead = head with { State = DeliveryState.Dead, Reason = DeliveryReasons.GaveUp, EndedAt = now };
            var (after, endsPending) = CountDead(webhook);
            return new HeadDecision(false, dead, after, endsPending);
        }

        return new HeadDecision(true, null, webhook);
    }

    /// <summary>Nothing is left to be attempted.</summary>
    public static WebhookState AtRest(WebhookState webhook) => webhook with { DueAt = null, Lease = null };

    /// <summary>What an attempt that ended changes.</summary>
    /// <param name="webhook">Null when it is gone.</param>
    /// <param name="delivery">Null when it is gone.</param>
    /// <param name="hasOthers">Whether other deliveries of the webhook are pending.</param>
    public static QueueUpdate Complete(AttemptResult result, WebhookState? webhook, DeliveryProgress? delivery, bool hasOthers)
    {
        // What was delivered is delivered, even by who lost the lease.
        var holdsLease = webhook is { Active: true } && webhook.Lease == result.Claim.Lease;
        var after = holdsLease || result.End is AttemptEnd.Delivered ? Attempted(result, delivery) : null;
        if (!holdsLease || webhook is null)
        {
            return new QueueUpdate(after, null);
        }

        var endsPending = false;
        if (result.End is AttemptEnd.Gone)
        {
            return new QueueUpdate(after, webhook.Off(InactiveReasons.Gone), EndsPending: true);
        }

        if (after?.State is DeliveryState.Dead)
        {
            (webhook, endsPending) = CountDead(webhook);
        }

        if (endsPending)
        {
            return new QueueUpdate(after, webhook, EndsPending: true);
        }

        var isPending = (after ?? delivery)?.State is DeliveryState.Pending || hasOthers;
        return new QueueUpdate(
            after,
            webhook with
            {
                Lease = null,
                DueAt = isPending ? result.NextAt : null,
                Failures = FailuresAfter(result),
                DeadInARow = result.End is AttemptEnd.Delivered ? 0 : webhook.DeadInARow,
            });
    }

    /// <summary>Null when it stays as it is.</summary>
    private static DeliveryProgress? Attempted(AttemptResult result, DeliveryProgress? delivery) => (result.End, delivery?.State) switch
    {
        (AttemptEnd.Delivered, DeliveryState.Pending or DeliveryState.Dead) => delivery! with
        {
            State = DeliveryState.Delivered,
            Attempts = delivery.Attempts + 1,
            StatusCode = result.StatusCode,
            Reason = null,
            EndedAt = result.Now,
        },
        (AttemptEnd.Failed, DeliveryState.Pending) => delivery! with
        {
            Attempts = delivery.Attempts + 1,
            StatusCode = result.StatusCode,
            Reason = result.Reason,
        },
        (AttemptEnd.GaveUp or AttemptEnd.Rejected or AttemptEnd.Gone, DeliveryState.Pending) => delivery! with
        {
            State = DeliveryState.Dead,
            Attempts = result.Claim.Attempts,
            StatusCode = result.StatusCode ?? delivery.StatusCode,
            Reason = result.Reason,
            EndedAt = result.Now,
        },
        _ => null,
    };

    /// <summary>One more died. Too many in a row switch the webhook off.</summary>
    private static (WebhookState Webhook, bool IsOff) CountDead(WebhookState webhook)
    {
        var counted = webhook with { DeadInARow = webhook.DeadInARow + 1 };
        return counted.DeadInARow < WebhookRules.MostDeadInARow ? (counted, false) : (counted.Off(InactiveReasons.Failing), true);
    }

    private static int FailuresAfter(AttemptResult result) => result.End switch
    {
        AttemptEnd.Failed or AttemptEnd.GaveUp => result.Claim.Failures + 1,
        AttemptEnd.Interrupted => result.Claim.Failures,
        AttemptEnd.Delivered or AttemptEnd.Rejected or AttemptEnd.Gone => 0,
    };
}
