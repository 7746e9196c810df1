using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>A row of webhook_deliveries.</summary>
internal sealed record SqliteDelivery(
    string Id,
    string Event,
    string? DeviceId,
    byte[] Body,
    DeliveryState State,
    int Attempts,
    int? StatusCode,
    string? Reason,
    DateTimeOffset GiveUpAt,
    DateTimeOffset? EndedAt)
{
    public DeliveryProgress ToProgress() => new(State, Attempts, StatusCode, Reason, GiveUpAt, EndedAt);
}

/// <summary>How deliveries come into the queue and out of it.</summary>
internal static class SqliteDeliveries
{
    private const string Insert = """
        INSERT INTO webhook_deliveries (id, webhook_id, event, device_id, body, state, created_at, give_up_at)
        SELECT @Id, @WebhookId, @Event, @DeviceId, @Body, 'Pending', @CreatedAt, @GiveUpAt
        WHERE @DeviceId IS NULL OR EXISTS (SELECT 1 FROM locks WHERE device_id = @DeviceId)
        """;

    private const string CountPending =
        "SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE webhook_id = @webhookId AND state = 'Pending' LIMIT @mostPending)";

    private const string Overflow = """
        UPDATE webhook_deliveries SET state = 'Dead', reason = @reason, ended_at = @CreatedAt WHERE number =
        (SELECT min(number) FROM webhook_deliveries WHERE webhook_id = @WebhookId AND state = 'Pending')
        """;

    private const string TrimEnded = """
        DELETE FROM webhook_deliveries WHERE webhook_id = @webhookId AND state <> 'Pending' AND number <=
        (SELECT number FROM webhook_deliveries WHERE webhook_id = @webhookId ORDER BY number DESC LIMIT 1 OFFSET @mostKept)
        """;

    private const string Select = "SELECT * FROM webhook_deliveries WHERE id = @deliveryId AND webhook_id = @webhookId";

    private const string HasOthers = """
        SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook_id = @WebhookId AND state = 'Pending' AND id <> @DeliveryId)
        """;

    private const string Update = """
        UPDATE webhook_deliveries SET state = @State, attempts = @Attempts, status_code = @StatusCode, reason = @Reason, give_up_at = @GiveUpAt,
            ended_at = @EndedAt
        WHERE id = @deliveryId
        """;

    /// <summary>Webhooks that are gone or inactive by now are passed over, and so is what is about a lock that is gone.</summary>
    public static void Enqueue(SqliteSession session, NewDelivery delivery, int mostPending)
    {
        if (session.FindWebhookState(delivery.WebhookId) is not { Active: true } webhook)
        {
            return;
        }

        if (IsFull(session, delivery.WebhookId, mostPending))
        {
            session.Execute(Overflow, new { delivery.WebhookId, delivery.CreatedAt, reason = DeliveryReasons.Overflow });
        }

        if (session.Execute(Insert, delivery) == 1)
        {
            session.Write(delivery.WebhookId, webhook with { DueAt = DeliveryRules.DueAfterQueueing(webhook.DueAt, delivery.CreatedAt) });
        }
    }

    /// <summary>The oldest that have ended go, down to so many of any state.</summary>
    public static void Trim(SqliteSession session, string webhookId) =>
        session.Execute(TrimEnded, new { webhookId, mostKept = WebhookRules.MostKept });

    public static bool IsFull(SqliteSession session, string webhookId, int mostPending) =>
        session.Scalar<long>(CountPending, new { webhookId, mostPending }) >= mostPending;

    public static SqliteDelivery? Find(SqliteSession session, string webhookId, string deliveryId) =>
        session.Find<SqliteDelivery>(Select, new { webhookId, deliveryId });

    public static void Complete(SqliteSession session, AttemptResult result)
    {
        var claim = result.Claim;
        var update = DeliveryRules.Complete(
            result,
            session.FindWebhookState(claim.WebhookId),
            Find(session, claim.WebhookId, claim.DeliveryId)?.ToProgress(),
            session.Scalar<bool>(HasOthers, claim));
        Write(session, claim.WebhookId, claim.DeliveryId, update, result.Now);
    }

    public static void Write(SqliteSession session, string webhookId, string deliveryId, QueueUpdate update, DateTimeOffset now)
    {
        if (update.Delivery is { } delivery)
        {
            session.Execute(Update, new
            {
                deliveryId,
                State = delivery.State.ToString(),
                delivery.Attempts,
                delivery.StatusCode,
                delivery.Reason,
                delivery.GiveUpAt,
                delivery.EndedAt,
            });
        }

        if (update.Webhook is { } webhook)
        {
            session.Write(webhookId, webhook);
        }

        if (update.EndsPending)
        {
            session.EndPending(webhookId, now);
        }
    }
}
