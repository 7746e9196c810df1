using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

/// <param name="Username">In upper case.</param>
internal sealed record ListeningWebhook(string Id, string Username, IReadOnlyList<string> Events, string? DeviceId);

/// <param name="DeviceId">Null for a ping, which is about no lock.</param>
/// <param name="GiveUpAt">From then on no more attempts are made while the receiver fails.</param>
internal sealed record NewDelivery(
    string Id,
    string WebhookId,
    string Event,
    string? DeviceId,
    byte[] Body,
    DateTimeOffset CreatedAt,
    DateTimeOffset GiveUpAt);

/// <summary>The delivery that a webhook is to make now, leased to one worker.</summary>
/// <param name="Account">Whose the webhook is; the same text for all webhooks of an account.</param>
/// <param name="Attempts">This one included.</param>
/// <param name="Failures">How many of the webhook's attempts before this one failed in a row.</param>
internal sealed record ClaimedDelivery(
    string WebhookId,
    string Account,
    string DeliveryId,
    string Lease,
    string Url,
    byte[] ProtectedSecret,
    string Event,
    byte[] Body,
    int Attempts,
    int Failures,
    DateTimeOffset GiveUpAt)
{
    public override string ToString() => $"Delivery {DeliveryId} of webhook {WebhookId}";
}

/// <summary>How much one claim may take.</summary>
/// <param name="Most">Webhooks.</param>
/// <param name="MostOfAccount">Webhooks of one account, with those that are busy already: no account may take all the room there is.</param>
/// <param name="Busy">How many attempts are being made for each account now.</param>
internal sealed record ClaimRoom(int Most, int MostOfAccount, IReadOnlyDictionary<string, int> Busy);

internal enum AttemptEnd
{
    Delivered,

    /// <summary>Again later.</summary>
    Failed,

    /// <summary>Failed for the last time: dead.</summary>
    GaveUp,

    /// <summary>The receiver read it and will not have it: dead, and no sign that the receiver is in trouble.</summary>
    Rejected,

    /// <summary>The receiver is gone for good: dead, and the webhook inactive.</summary>
    Gone,

    /// <summary>The server stopped in between: as if it had not been tried.</summary>
    Interrupted,
}

/// <param name="NextAt">When the webhook's next attempt may be made.</param>
internal sealed record AttemptResult(ClaimedDelivery Claim, AttemptEnd End, int? StatusCode, string? Reason, DateTimeOffset Now, DateTimeOffset NextAt);

internal enum QueueOutcome
{
    Queued,

    /// <summary>No such webhook or delivery, or not the account's.</summary>
    NotFound,

    Inactive,

    /// <summary>Only dead deliveries can be retried.</summary>
    NotDead,

    /// <summary>The webhook's backlog is full.</summary>
    TooMany,
}

/// <summary>
/// The queue. A webhook's deliveries are made one at a time and in order, whatever the number of workers and replicas: what is leased is
/// the webhook. It costs a webhook whose receiver is down one attempt per back-off, not one per delivery.
/// </summary>
internal interface IDeliveryStore
{
    /// <summary>The active webhooks of these accounts, those of disabled accounts left out.</summary>
    Task<IReadOnlyList<ListeningWebhook>> FindListeningAsync(IReadOnlyCollection<string> usernames, CancellationToken ct);

    /// <summary>
    /// Appends to the webhooks' backlogs; where one has <paramref name="mostPending"/> already its oldest becomes dead. Webhooks that are gone or
    /// inactive by now are passed over, and so are deliveries about locks that are gone. Of those that have ended a webhook keeps its last <see cref="WebhookRules.MostKept"/>.
    /// </summary>
    Task EnqueueAsync(IReadOnlyCollection<NewDelivery> deliveries, int mostPending, CancellationToken ct);

    /// <summary>Appends one delivery to a webhook of the account's.</summary>
    Task<QueueOutcome> EnqueueAsync(NewDelivery delivery, string username, int mostPending, CancellationToken ct);

    /// <summary>
    /// When the next attempt of any webhook is due; null when nothing is pending. What lies further ahead than any attempt is put off was
    /// dated by a clock that has been set back since: it is due at once.
    /// </summary>
    Task<DateTimeOffset?> NextDueAsync(DateTimeOffset now, CancellationToken ct);

    /// <summary>
    /// Takes the oldest pending delivery of each of the webhooks that are due and for which there is room, and leases these webhooks. In the
    /// same transaction a delivery about a lock that the account may not see any more is dropped, and while the receiver fails one that is past
    /// its time becomes dead; the one behind it is taken instead.
    /// </summary>
    Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(string lease, DateTimeOffset now, DateTimeOffset leaseUntil, ClaimRoom room, CancellationToken ct);

    /// <summary>
    /// Writes how an attempt ended and gives the lease back. Whoever lost the lease changes nothing but this: what was delivered is delivered.
    /// After <see cref="WebhookRules.MostDeadInARow"/> that were given up without one delivered the webhook becomes inactive.
    /// </summary>
    Task CompleteAsync(AttemptResult result, CancellationToken ct);

    /// <summary>Newest first. Null when there is no such webhook of the account's.</summary>
    Task<Page<Delivery>?> ListAsync(string webhookId, string username, DeliveryState? state, long? beforeNumber, int limit, CancellationToken ct);

    /// <summary>Makes a dead delivery pending again, in its old place, and has the webhook try at once.</summary>
    Task<QueueOutcome> RetryAsync(
        string webhookId,
        string deliveryId,
        string username,
        int mostPending,
        DateTimeOffset now,
        DateTimeOffset giveUpAt,
        CancellationToken ct);

    /// <summary>Deletes at most <paramref name="limit"/> that were delivered, or else ended, before these times; gives their number.</summary>
    Task<int> DeleteEndedAsync(DateTimeOffset deliveredBefore, DateTimeOffset othersBefore, int limit, CancellationToken ct);
}
