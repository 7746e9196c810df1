using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteWebhookRow
{
    public const string Columns = "id, url, events, device_id, active, inactive_reason, created_at";

    public const string DeliveryColumns = "number, id, event, device_id, state, attempts, status_code, reason, created_at, ended_at";

    /// <summary>What is pending of a webhook that is switched off.</summary>
    private const string EndPending = """
        UPDATE webhook_deliveries SET state = 'Dead', reason = ?3, ended_at = ?2 WHERE webhook_id = ?1 AND state = 'Pending'
        """;

    private const string SwitchOff =
        "UPDATE webhooks SET active = 0, inactive_reason = ?2, due_at = NULL, lease = NULL WHERE id = ?1 AND active = 1";

    public static string Join(IReadOnlyList<string> events) => string.Join(',', events);

    public static IReadOnlyList<string> Split(string events) => events.Split(',');

    /// <summary>Reads <see cref="Columns"/>.</summary>
    public static Webhook Read(SqliteStatement row) => new(
        row.Text(0),
        row.Text(1),
        Split(row.Text(2)),
        row.TextOrNull(3),
        row.Bool(4),
        row.TextOrNull(5),
        row.Time(6));

    /// <summary>Reads <see cref="DeliveryColumns"/>.</summary>
    public static Delivery ReadDelivery(SqliteStatement row) => new(
        row.Int64(0),
        row.Text(1),
        row.Text(2),
        row.TextOrNull(3),
        row.Enum<DeliveryState>(4),
        (int)row.Int64(5),
        row.Int32OrNull(6),
        row.TextOrNull(7),
        row.Time(8),
        row.TimeOrNull(9));

    public static void Deactivate(SqliteSession session, string webhookId, string reason, DateTimeOffset now)
    {
        using var switchOff = session.Use(SwitchOff);
        if (switchOff.Bind(1, webhookId).Bind(2, reason).Run() == 0)
        {
            return;
        }

        using var end = session.Use(EndPending);
        end.Bind(1, webhookId).Bind(2, now).Bind(3, DeliveryReasons.Deactivated).Run();
    }
}
