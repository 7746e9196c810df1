using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>What the stores of webhooks and of their deliveries share.</summary>
internal static class SqliteWebhooks
{
    private const string SelectOwn = "SELECT * FROM webhooks WHERE id = @id AND name_key = @nameKey";

    private const string Select = "SELECT * FROM webhooks WHERE id = @id";

    private const string Update = """
        UPDATE webhooks SET active = @Active, inactive_reason = @InactiveReason, due_at = @DueAt, lease = @Lease, failures = @Failures,
            dead_in_a_row = @DeadInARow
        WHERE id = @id
        """;

    private const string EndAllPending = """
        UPDATE webhook_deliveries SET state = 'Dead', reason = @reason, ended_at = @now WHERE webhook_id = @id AND state = 'Pending'
        """;

    /// <summary>A <see cref="Webhook"/> or <see cref="WebhookState"/>; null when it is not the account's.</summary>
    public static T? FindOwnWebhook<T>(this SqliteSession session, string id, string username)
        where T : class => session.Find<T>(SelectOwn, new { id, nameKey = SqliteNames.KeyOf(username) });

    public static WebhookState? FindWebhookState(this SqliteSession session, string id) => session.Find<WebhookState>(Select, new { id });

    public static void Write(this SqliteSession session, string id, WebhookState state) => session.Execute(
        Update,
        new { id, state.Active, state.InactiveReason, state.DueAt, state.Lease, state.Failures, state.DeadInARow });

    /// <summary>What is pending of a webhook that was switched off.</summary>
    public static void EndPending(this SqliteSession session, string id, DateTimeOffset now) =>
        session.Execute(EndAllPending, new { id, now, reason = DeliveryReasons.Deactivated });
}
