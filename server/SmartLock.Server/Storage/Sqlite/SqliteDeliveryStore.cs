using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Relaxed writes: what a loss of power undoes of the queue is made, and sent, again; the locks' own reports are written no safer.</summary>
internal sealed class SqliteDeliveryStore(SqliteDatabase database) : IDeliveryStore
{
    private const string SelectListening = """
        SELECT id, events, device_id FROM webhooks JOIN users USING (name_key) WHERE name_key = ?1 AND active = 1 AND disabled = 0
        """;

    // Two look-ups in the index, where one query for both ends would read all of it.
    private const string SelectDue = """
        SELECT (SELECT min(due_at) FROM webhooks WHERE due_at IS NOT NULL), (SELECT max(due_at) FROM webhooks WHERE due_at IS NOT NULL)
        """;

    private const string SelectPage = $"""
        SELECT {SqliteWebhookRow.DeliveryColumns} FROM webhook_deliveries
        WHERE webhook_id = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3
        """;

    private const string SelectPageOfState = $"""
        SELECT {SqliteWebhookRow.DeliveryColumns} FROM webhook_deliveries
        WHERE webhook_id = ?1 AND number < ?2 AND state = ?4 ORDER BY number DESC LIMIT ?3
        """;

    private const string SelectOwn = "SELECT active FROM webhooks WHERE id = ?1 AND name_key = ?2";

    private const string DeleteEnded = """
        DELETE FROM webhook_deliveries WHERE number IN
        (SELECT number FROM webhook_deliveries WHERE state = ?1 AND ended_at IS NOT NULL AND ended_at < ?2 LIMIT ?3)
        """;

    public Task<IReadOnlyList<ListeningWebhook>> FindListeningAsync(IReadOnlyCollection<string> usernames, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<ListeningWebhook>>(
            session =>
            {
                var found = new List<ListeningWebhook>();
                using var query = session.Use(SelectListening);
                foreach (var nameKey in usernames.Select(SqliteNames.KeyOf).Distinct(StringComparer.Ordinal))
                {
                    query.Bind(1, nameKey);
                    while (query.Step())
                    {
                        found.Add(new ListeningWebhook(query.Text(0), nameKey, SqliteWebhookRow.Split(query.Text(1)), query.TextOrNull(2)));
                    }

                    query.Reset();
                }

                return found;
            },
            ct).AsTask();

    public Task EnqueueAsync(IReadOnlyCollection<NewDelivery> deliveries, int mostPending, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                foreach (var delivery in deliveries)
                {
                    SqliteDeliveries.Append(session, delivery, mostPending);
                }

                foreach (var webhookId in deliveries.Select(d => d.WebhookId).Distinct(StringComparer.Ordinal))
                {
                    SqliteDeliveries.Trim(session, webhookId, WebhookRules.MostKept);
                }

                return deliveries.Count;
            },
            ct);

    public Task<QueueOutcome> EnqueueAsync(NewDelivery delivery, string username, int mostPending, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                var outcome = CheckOwn(session, delivery.WebhookId, username);
                if (outcome is not QueueOutcome.Queued)
                {
                    return outcome;
                }

                if (SqliteDeliveries.IsFull(session, delivery.WebhookId, mostPending))
                {
                    return QueueOutcome.TooMany;
                }

                SqliteDeliveries.Append(session, delivery, mostPending);
                SqliteDeliveries.Trim(session, delivery.WebhookId, WebhookRules.MostKept);
                return QueueOutcome.Queued;
            },
            ct);

    public Task<DateTimeOffset?> NextDueAsync(DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(SelectDue);
                query.Step();
                return query.TimeOrNull(1) > now + WebhookRules.FarthestDue ? now : query.TimeOrNull(0);
            },
            ct).AsTask();

    public Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(
        string lease,
        DateTimeOffset now,
        DateTimeOffset leaseUntil,
        ClaimRoom room,
        CancellationToken ct) =>
        database.WriteAsync(Durability.Relaxed, session => SqliteDeliveries.Claim(session, lease, now, leaseUntil, room), ct);

    public Task CompleteAsync(AttemptResult result, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                SqliteAttempts.Complete(session, result);
                return true;
            },
            ct);

    public Task<Page<Delivery>?> ListAsync(
        string webhookId,
        string username,
        DeliveryState? state,
        long? beforeNumber,
        int limit,
        CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                if (CheckOwn(session, webhookId, username) is QueueOutcome.NotFound)
                {
                    return null;
                }

                using var query = session.Use(state is null ? SelectPage : SelectPageOfState);
                query.Bind(1, webhookId).Bind(2, beforeNumber ?? long.MaxValue).Bind(3, limit + 1L);
                if (state is { } wanted)
                {
                    query.Bind(4, wanted.ToString());
                }

                var found = new List<Delivery>();
                while (query.Step())
                {
                    found.Add(SqliteWebhookRow.ReadDelivery(query));
                }

                return WebhookCursors.PageOf(found, limit);
            },
            ct).AsTask();

    public Task<QueueOutcome> RetryAsync(
        string webhookId,
        string deliveryId,
        string username,
        int mostPending,
        DateTimeOffset now,
        DateTimeOffset giveUpAt,
        CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session => CheckOwn(session, webhookId, username) is not QueueOutcome.Queued and var refused
                ? refused
                : SqliteDeliveries.Retry(session, webhookId, deliveryId, mostPending, now, giveUpAt),
            ct);

    public Task<int> DeleteEndedAsync(DateTimeOffset deliveredBefore, DateTimeOffset othersBefore, int limit, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                using var delete = session.Use(DeleteEnded);
                var deleted = 0;
                foreach (var (state, before) in new[]
                {
                    (DeliveryState.Delivered, deliveredBefore),
                    (DeliveryState.Dead, othersBefore),
                    (DeliveryState.Dropped, othersBefore),
                })
                {
                    deleted += delete.Bind(1, state.ToString()).Bind(2, before).Bind(3, limit - deleted).Run();
                }

                return deleted;
            },
            ct);

    /// <summary>Queued when it is the account's and active.</summary>
    private static QueueOutcome CheckOwn(SqliteSession session, string webhookId, string username)
    {
        using var own = session.Use(SelectOwn);
        if (!own.Bind(1, webhookId).Bind(2, SqliteNames.KeyOf(username)).Step())
        {
            return QueueOutcome.NotFound;
        }

        return own.Bool(0) ? QueueOutcome.Queued : QueueOutcome.Inactive;
    }
}
