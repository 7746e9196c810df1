namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The fields of a document in <c>deliveries</c>. Times are Unix milliseconds (UTC); what is null is absent.</summary>
internal static class DeliveryFields
{
    public const string Collection = "deliveries";

    public const string Id = "_id";
    public const string WebhookId = "webhook_id";

    /// <summary>A webhook's deliveries are made in this order.</summary>
    public const string Number = "number";
    public const string Event = "event";
    public const string DeviceId = "device_id";

    /// <summary>Text, so that it can be searched for a name that is to be forgotten.</summary>
    public const string Body = "body";
    public const string State = "state";
    public const string Attempts = "attempts";
    public const string StatusCode = "status_code";
    public const string Reason = "reason";
    public const string CreatedAt = "created_at";
    public const string GiveUpAt = "give_up_at";
    public const string EndedAt = "ended_at";

    /// <summary>In <see cref="WebhookFields.Incoming"/>: a dead delivery that is to be pending again, in its old place.</summary>
    public const string IsRetry = "is_retry";
}
