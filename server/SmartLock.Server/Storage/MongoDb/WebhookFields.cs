namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The fields of a document in <c>webhooks</c>. Times are Unix milliseconds (UTC); what is null is absent.</summary>
internal static class WebhookFields
{
    public const string Collection = "webhooks";

    public const string Id = "_id";
    public const string NameKey = "name_key";

    /// <summary>Unique per <see cref="NameKey"/>, below the most that one may have.</summary>
    public const string Slot = "slot";
    public const string Url = "url";
    public const string Events = "events";
    public const string DeviceId = "device_id";
    public const string ProtectedSecret = "protected_secret";
    public const string Active = "active";
    public const string InactiveReason = "inactive_reason";

    /// <summary>When the next attempt may be made, absent when nothing is pending; while an attempt is made it is when the lease ends.</summary>
    public const string DueAt = "due_at";

    /// <summary>Whose the attempt is that is being made.</summary>
    public const string Lease = "lease";
    public const string Failures = "failures";
    public const string DeadInARow = "dead_in_a_row";
    public const string CreatedAt = "created_at";

    /// <summary>Counts what was put into <see cref="Incoming"/>; the numbers of deliveries are taken from it.</summary>
    public const string Queued = "queued";

    /// <summary>What <see cref="MongoBacklog"/> has yet to put into its place in the queue.</summary>
    public const string Incoming = "incoming";

    /// <summary>True in one that is not there yet, or no more.</summary>
    public const string Deleted = "deleted";

    /// <summary>From when on <see cref="MongoWebhookTidy.FinishAsync"/> looks at it.</summary>
    public const string TidyAt = "tidy_at";
}
