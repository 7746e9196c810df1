using System.ComponentModel.DataAnnotations;
using System.Globalization;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Webhooks;

/// <param name="DeviceId">Only this lock's events; all that you may see when left out.</param>
public sealed record CreateWebhookRequest(
    [property: StringLength(WebhookRules.MaxUrlLength, ErrorMessage = WebhookRules.UrlLengthRule)] string Url,
    [property: WebhookEvents] IReadOnlyList<string> Events,
    [property: DeviceId] string? DeviceId = null)
{
    public override string ToString() => "Create a webhook";
}

/// <summary>What is left out stays as it is.</summary>
public sealed record ChangeWebhookRequest(
    [property: StringLength(WebhookRules.MaxUrlLength, ErrorMessage = WebhookRules.UrlLengthRule)] string? Url = null,
    [property: WebhookEvents] IReadOnlyList<string>? Events = null,
    bool? Active = null)
{
    public override string ToString() => "Change a webhook";
}

/// <param name="InactiveReason">switched_off, gone (the receiver answered 410), or failing (nothing got through for long).</param>
internal sealed record WebhookResponse(
    string WebhookId,
    string Url,
    IReadOnlyList<string> Events,
    string? DeviceId,
    bool Active,
    string? InactiveReason,
    DateTimeOffset CreatedAt)
{
    public static WebhookResponse Of(Webhook item) =>
        new(item.Id, item.Url, item.Events, item.DeviceId, item.Active, item.InactiveReason, item.CreatedAt);

    public override string ToString() => $"Webhook {WebhookId}";
}

/// <param name="Secret">64 hex digits: the 32 bytes that deliveries are signed with. Shown here and never again.</param>
internal sealed record WebhookSecretResponse(
    string WebhookId,
    string Url,
    IReadOnlyList<string> Events,
    string? DeviceId,
    bool Active,
    string? InactiveReason,
    DateTimeOffset CreatedAt,
    string Secret)
{
    public static WebhookSecretResponse Of(Webhook item, byte[] secret) => new(
        item.Id,
        item.Url,
        item.Events,
        item.DeviceId,
        item.Active,
        item.InactiveReason,
        item.CreatedAt,
        Convert.ToHexStringLower(secret));

    public override string ToString() => $"Webhook {WebhookId}";
}

internal sealed record WebhookPageResponse(IReadOnlyList<WebhookResponse> Items, string? Next)
{
    public static WebhookPageResponse Of(Page<Webhook> page) => new([.. page.Items.Select(WebhookResponse.Of)], page.Next);
}

/// <param name="StatusCode">The receiver's last answer.</param>
/// <param name="Reason">Why the last attempt failed, or why there will be no more.</param>
internal sealed record DeliveryResponse(
    string DeliveryId,
    string Event,
    string? DeviceId,
    DeliveryState State,
    int Attempts,
    int? StatusCode,
    string? Reason,
    DateTimeOffset CreatedAt,
    DateTimeOffset? EndedAt)
{
    public static DeliveryResponse Of(Delivery item) => new(
        item.Id,
        item.Event,
        item.DeviceId,
        item.State,
        item.Attempts,
        item.StatusCode,
        item.Reason,
        item.CreatedAt,
        item.EndedAt);
}

internal sealed record DeliveryPageResponse(IReadOnlyList<DeliveryResponse> Items, string? Next)
{
    public static DeliveryPageResponse Of(Page<Delivery> page) => new([.. page.Items.Select(DeliveryResponse.Of)], page.Next);
}

/// <param name="DeliveryId">What the receiver finds in <c>SmartLock-Delivery</c>.</param>
internal sealed record QueuedDeliveryResponse(string DeliveryId);

internal static class WebhookCursors
{
    /// <summary>Positions are webhooks' ids.</summary>
    public static readonly Cursor Webhooks = new("webhooks");

    private static readonly Cursor Deliveries = new("deliveries");

    public static Page<Delivery> PageOf(List<Delivery> found, int limit) =>
        Deliveries.Page(found, limit, static d => d.Number.ToString(CultureInfo.InvariantCulture));

    public static bool TryDecodeDelivery(string cursor, out long number)
    {
        number = 0;
        return Deliveries.TryDecode(cursor, out var position)
            && long.TryParse(position, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
