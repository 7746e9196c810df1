using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Relaxed writes: what a loss of power undoes of the queue is made, and sent, again; the locks' own reports are written no safer.</summary>
internal sealed class SqliteDeliveryStore(SqliteDatabase database) : IDeliveryStore
{
    private const string SelectListening = """
        SELECT id, name_key AS username, events, device_id FROM webhooks JOIN users USING (name_key)
        WHERE name_key = @nameKey AND active = 1 AND disabled = 0
        """;

    // Two look-ups in the index, where one query for both ends would read all of it.
    private const string SelectFirstDue = "SELECT min(due_at) FROM webhooks WHERE due_at IS NOT NULL";

    private const string SelectLastDue = "SELECT max(due_at) FROM webhooks WHERE due_at IS NOT NULL";

    private const string SelectPage =
        "SELECT * FROM webhook_deliveries WHERE webhook_id = @webhookId AND number < @before ORDER BY number DESC LIMIT @limit";

    private const string SelectPageOfState = """
        SELECT * FROM webhook_deliveries
        WHERE webhook_id = @webhookId AND number < @before AND state = @state ORDER BY number DESC LIMIT @limit
        """;

    private const string DeleteEnded = """
        DELETE FROM webhook_deliveries WHERE number IN
        (SELECT number FROM webhook_deliveries WHERE state = @state AND ended_at IS NOT NULL AND ended_at < @before LIMIT @limit)
        """;

    public Task<IReadOnlyList<ListeningWebhook>> FindListeningAsync(IReadOnlyCollection<string> usernames, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<ListeningWebhook>>(
            session => [.. usernames.Select(SqliteNames.KeyOf)
                .Distinct(StringComparer.Ordinal)
                .SelectMany(nameKey => session.Query<ListeningWebhook>(SelectListening, new { nameKey }))],
            ct).AsTask();

    public Task EnqueueAsync(IReadOnlyCollection<NewDelivery> deliveries, int mostPending, CancellationToken ct) =>
        WriteAsync(
            session =>
            {
                foreach (var delivery in deliveries)
                {
                    SqliteDeliveries.Enqueue(session, delivery, mostPending);
                }

                foreach (var webhookId in deliveries.Select(d => d.WebhookId).Distinct(StringComparer.Ordinal))
                {
                    SqliteDeliveries.Trim(session, webhookId);
                }

                return deliveries.Count;
            },
            ct);

    public Task<QueueOutcome> EnqueueAsync(NewDelivery delivery, string username, int mostPending, CancellationToken ct) =>
        WriteAsync(
            session =>
            {
                var outcome = DeliveryRules.Queue(
                    session.FindOwnWebhook<WebhookState>(delivery.WebhookId, username),
                    SqliteDeliveries.IsFull(session, delivery.WebhookId, mostPending));
                if (outcome is QueueOutcome.Queued)
                {
                    SqliteDeliveries.Enqueue(session, delivery, mostPending);
                    SqliteDeliveries.Trim(session, delivery.WebhookId);
                }

                return outcome;
            },
            ct);

    public Task<DateTimeOffset?> NextDueAsync(DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            session => DeliveryRules.NextDue(TimeOf(session.Scalar<long?>(SelectFirstDue)), TimeOf(session.Scalar<long?>(SelectLastDue)), now),
            ct).AsTask();

    public Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(
        string lease,
        DateTimeOffset now,
        DateTimeOffset leaseUntil,
        ClaimRoom room,
        CancellationToken ct) =>
        WriteAsync(session => SqliteClaims.Claim(session, lease, now, leaseUntil, room), ct);

    public Task CompleteAsync(AttemptResult result, CancellationToken ct) =>
        WriteAsync(
            session =>
            {
                SqliteDeliveries.Complete(session, result);
                return true;
            },
            ct);

    public Task<Page<Delivery>?> ListAsync(
        string webhookId,
        string username,
        DeliveryState? state,
        long? beforeNumber,
        int limit,
        CancellationToken ct)
    {
        var page = new { webhookId, before = beforeNumber ?? long.MaxValue, limit = limit + 1L, state = state?.ToString() };
        return database.ReadAsync(
            session => session.FindOwnWebhook<WebhookState>(webhookId, username) is null
                ? null
                : WebhookCursors.PageOf(session.Query<Delivery>(state is null ? SelectPage : SelectPageOfState, page), limit),
            ct).AsTask();
    }

    public Task<QueueOutcome> RetryAsync(
        string webhookId,
        string deliveryId,
        string username,
        int mostPending,
        DateTimeOffset now,
        DateTimeOffset giveUpAt,
        CancellationToken ct) =>
        WriteAsync(
            session =>
            {
                var webhook = session.FindOwnWebhook<WebhookState>(webhookId, username);
                var delivery = SqliteDeliveries.Find(session, webhookId, deliveryId);
                var outcome = DeliveryRules.Retry(webhook, delivery?.State, SqliteDeliveries.IsFull(session, webhookId, mostPending));
                if (outcome is QueueOutcome.Queued)
                {
                    var update = DeliveryRules.Retried(webhook!, delivery!.ToProgress(), now, giveUpAt);
                    SqliteDeliveries.Write(session, webhookId, deliveryId, update, now);
                }

                return outcome;
            },
            ct);

    public Task<int> DeleteEndedAsync(DateTimeOffset deliveredBefore, DateTimeOffset othersBefore, int limit, CancellationToken ct) =>
        WriteAsync(
            session =>
            {
                var deleted = 0;
                foreach (var (state, before) in new[]
                {
                    (DeliveryState.Delivered, deliveredBefore),
                    (DeliveryState.Dead, othersBefore),
                    (DeliveryState.Dropped, othersBefore),
                })
                {
                    deleted += session.Execute(DeleteEnded, new { state = state.ToString(), before, limit = limit - deleted });
                }

                return deleted;
            },
            ct);

    private Task<T> WriteAsync<T>(Func<SqliteSession, T> work, CancellationToken ct) => database.WriteAsync(Durability.Relaxed, work, ct);

    private static DateTimeOffset? TimeOf(long? unixMs) => unixMs is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;
}
