namespace SmartLock.Server.Webhooks;

/// <summary>Where an account wants to be told of its locks' events.</summary>
/// <param name="Id">A ULID.</param>
/// <param name="Events">Some of <see cref="WebhookRules.Events"/>.</param>
/// <param name="DeviceId">The one lock it is about; null for all that the account may see.</param>
/// <param name="InactiveReason">Null while active.</param>
internal sealed record Webhook(
    string Id,
    string Url,
    IReadOnlyList<string> Events,
    string? DeviceId,
    bool Active,
    string? InactiveReason,
    DateTimeOffset CreatedAt)
{
    /// <summary>Without the URL, whose query may hold secrets.</summary>
    public override string ToString() => $"Webhook {Id}";
}

internal enum DeliveryState
{
    Pending,
    Delivered,

    /// <summary>Given up; may be retried by hand.</summary>
    Dead,

    /// <summary>The account may not see the lock any more.</summary>
    Dropped,
}

/// <param name="Number">Position in the queue; a webhook's deliveries are made in this order.</param>
/// <param name="StatusCode">The receiver's last answer.</param>
/// <param name="Reason">Why the last attempt failed, or why there will be no more; one of <see cref="DeliveryReasons"/>.</param>
internal sealed record Delivery(
    long Number,
    string Id,
    string Event,
    string? DeviceId,
    DeliveryState State,
    int Attempts,
    int? StatusCode,
    string? Reason,
    DateTimeOffset CreatedAt,
    DateTimeOffset? EndedAt);

/// <summary>Words for programs. What went wrong behind them is the server's business, not the account's.</summary>
internal static class DeliveryReasons
{
    public const string Status = "status";
    public const string Timeout = "timeout";
    public const string NameNotFound = "name_not_found";
    public const string AddressRefused = "address_refused";
    public const string TlsFailed = "tls_failed";
    public const string ConnectionFailed = "connection_failed";
    public const string SecretUnreadable = "secret_unreadable";
    public const string ServerError = "server_error";
    public const string GaveUp = "gave_up";
    public const string Overflow = "overflow";
    public const string Deactivated = "deactivated";
    public const string AccessLost = "access_lost";
}

/// <summary>Why a webhook is inactive.</summary>
internal static class InactiveReasons
{
    public const string ByOwner = "switched_off";
    public const string Gone = "gone";
    public const string Failing = "failing";
}
