using MongoDB.Bson;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

internal static class MongoWebhookRow
{
    public static IReadOnlyList<string> EventsOf(BsonDocument row) => [.. row[WebhookFields.Events].AsBsonArray.Select(item => item.AsString)];

    public static Webhook Read(BsonDocument row) => new(
        row[WebhookFields.Id].AsString,
        row[WebhookFields.Url].AsString,
        EventsOf(row),
        row.TextOrNull(WebhookFields.DeviceId),
        row.IsTrue(WebhookFields.Active),
        row.TextOrNull(WebhookFields.InactiveReason),
        row.Time(WebhookFields.CreatedAt));

    public static Delivery ReadDelivery(BsonDocument row) => new(
        row[DeliveryFields.Number].ToInt64(),
        row[DeliveryFields.Id].AsString,
        row[DeliveryFields.Event].AsString,
        row.TextOrNull(DeliveryFields.DeviceId),
        row.Enum<DeliveryState>(DeliveryFields.State),
        row[DeliveryFields.Attempts].ToInt32(),
        row.Int32OrNull(DeliveryFields.StatusCode),
        row.TextOrNull(DeliveryFields.Reason),
        row.Time(DeliveryFields.CreatedAt),
        row.TimeOrNull(DeliveryFields.EndedAt));
}
