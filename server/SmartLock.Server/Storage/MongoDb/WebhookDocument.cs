using System.Text;
using MongoDB.Bson.Serialization.Attributes;
using MongoDB.Driver;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A webhook and how it stands with its queue, in <c>webhooks</c>. Transactions on one webhook conflict on this document.</summary>
internal sealed record WebhookDocument : IMongoDocument<WebhookDocument>
{
    public static string Collection => "webhooks";

    public static IEnumerable<CreateIndexModel<WebhookDocument>> Indexes
    {
        get
        {
            var keys = Builders<WebhookDocument>.IndexKeys;
            yield return new(keys.Ascending(w => w.NameKey).Ascending(w => w.Id), new CreateIndexOptions { Name = "account" });
            yield return new(
                keys.Ascending(w => w.DeviceId),
                new CreateIndexOptions<WebhookDocument> { Name = "device", PartialFilterExpression = Builders<WebhookDocument>.Filter.Exists(w => w.DeviceId) });
            yield return new(
                keys.Ascending(w => w.DueAt),
                new CreateIndexOptions<WebhookDocument> { Name = "due", PartialFilterExpression = Builders<WebhookDocument>.Filter.Exists(w => w.DueAt) });
        }
    }

    [BsonId]
    public required string Id { get; init; }

    /// <summary>Whose it is, see <see cref="UserDocument.NameKey"/>.</summary>
    public required string NameKey { get; init; }

    public required string Url { get; init; }

    public required IReadOnlyList<string> Events { get; init; }

    public string? DeviceId { get; init; }

    public required byte[] ProtectedSecret { get; init; }

    public bool Active { get; init; }

    public string? InactiveReason { get; init; }

    /// <summary>This and the three below are as in <see cref="WebhookState"/>.</summary>
    public DateTimeOffset? DueAt { get; init; }

    public string? Lease { get; init; }

    public int Failures { get; init; }

    public int DeadInARow { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Counts what was queued: the number of the last delivery.</summary>
    public long Queued { get; init; }

    /// <summary>See <see cref="MongoWebhooks.TakeAsync"/>.</summary>
    public long Rev { get; init; }

    public static WebhookDocument Of(NewWebhook created, string nameKey) => new()
    {
        Id = created.Webhook.Id,
        NameKey = nameKey,
        Url = created.Webhook.Url,
        Events = created.Webhook.Events,
        DeviceId = created.Webhook.DeviceId,
        ProtectedSecret = created.ProtectedSecret,
        Active = true,
        CreatedAt = created.Webhook.CreatedAt,
    };

    public Webhook ToWebhook() => new(Id, Url, Events, DeviceId, Active, InactiveReason, CreatedAt);

    public WebhookState ToState() => new(Active, InactiveReason, DueAt, Lease, Failures, DeadInARow);

    /// <summary>Without the URL, whose query may hold secrets.</summary>
    public override string ToString() => $"Webhook {Id}";
}

/// <summary>What a webhook is to be told, in <c>deliveries</c>.</summary>
internal sealed record DeliveryDocument : IMongoDocument<DeliveryDocument>
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Collection => "deliveries";

    public static IEnumerable<CreateIndexModel<DeliveryDocument>> Indexes
    {
        get
        {
            var keys = Builders<DeliveryDocument>.IndexKeys;
            var queue = keys.Ascending(d => d.WebhookId);
            yield return new(queue.Ascending(d => d.Number), new CreateIndexOptions { Name = "number", Unique = true });
            yield return new(queue.Ascending(d => d.State).Ascending(d => d.Number), new CreateIndexOptions { Name = "state" });
            yield return new(
                keys.Ascending(d => d.DeviceId),
                new CreateIndexOptions<DeliveryDocument>
                {
                    Name = "device",
                    PartialFilterExpression = Builders<DeliveryDocument>.Filter.Exists(d => d.DeviceId),
                });
            yield return new(
                keys.Ascending(d => d.State).Ascending(d => d.EndedAt),
                new CreateIndexOptions<DeliveryDocument>
                {
                    Name = "ended",
                    PartialFilterExpression = Builders<DeliveryDocument>.Filter.Exists(d => d.EndedAt),
                });
        }
    }

    [BsonId]
    public required string Id { get; init; }

    public required string WebhookId { get; init; }

    /// <summary>A webhook's deliveries are made in this order.</summary>
    public long Number { get; init; }

    public required string Event { get; init; }

    public string? DeviceId { get; init; }

    /// <summary>Text, so that it can be searched for a name that is to be forgotten.</summary>
    public required string Body { get; init; }

    public DeliveryState State { get; init; }

    public int Attempts { get; init; }

    public int? StatusCode { get; init; }

    public string? Reason { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset GiveUpAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public static DeliveryDocument Of(NewDelivery delivery, long number) => new()
    {
        Id = delivery.Id,
        WebhookId = delivery.WebhookId,
        Number = number,
        Event = delivery.Event,
        DeviceId = delivery.DeviceId,
        Body = Utf8.GetString(delivery.Body),
        CreatedAt = delivery.CreatedAt,
        GiveUpAt = delivery.GiveUpAt,
    };

    public byte[] ToBody() => Utf8.GetBytes(Body);

    public Delivery ToDelivery() => new(Number, Id, Event, DeviceId, State, Attempts, StatusCode, Reason, CreatedAt, EndedAt);

    public DeliveryProgress ToProgress() => new(State, Attempts, StatusCode, Reason, GiveUpAt, EndedAt);

    public override string ToString() => $"Delivery {Id}";
}
