using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The webhooks, and their deliveries in a collection beside them. Fields are <see cref="WebhookFields"/> and <see cref="DeliveryFields"/>.</summary>
internal sealed class MongoWebhooks(MongoDatabase database) : IMongoSetup
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    public IMongoCollection<BsonDocument> Documents { get; } = database.Collection(WebhookFields.Collection);

    public IMongoCollection<BsonDocument> Deliveries { get; } = database.Collection(DeliveryFields.Collection);

    public static FilterDefinition<BsonDocument> IsThere { get; } = Filter.Ne(WebhookFields.Deleted, true);

    public static FilterDefinition<BsonDocument> IsActive { get; } = IsThere & Filter.Eq(WebhookFields.Active, true);

    public static FilterDefinition<BsonDocument> Pending(string webhookId) =>
        Filter.Eq(DeliveryFields.WebhookId, webhookId) & Filter.Eq(DeliveryFields.State, nameof(DeliveryState.Pending));

    public static FilterDefinition<BsonDocument> Own(string id, string username) =>
        Filter.Eq(WebhookFields.Id, id) & Filter.Eq(WebhookFields.NameKey, MongoNames.KeyOf(username)) & IsThere;

    /// <summary>Ends it at once; what is pending is to be ended by <see cref="MongoWebhookTidy"/>.</summary>
    public static UpdateDefinition<BsonDocument> Deactivate(string reason, DateTimeOffset now) => Update
        .Set(WebhookFields.Active, false)
        .Set(WebhookFields.InactiveReason, reason)
        .Set(WebhookFields.TidyAt, now.ToUnixTimeMilliseconds())
        .Unset(WebhookFields.DueAt)
        .Unset(WebhookFields.Lease);

    public async Task SetUpAsync(CancellationToken ct)
    {
        var keys = Builders<BsonDocument>.IndexKeys;
        await Documents.Indexes.CreateManyAsync(
            [
                Index("account_slot", keys.Ascending(WebhookFields.NameKey).Ascending(WebhookFields.Slot), Filter.Exists(WebhookFields.Slot), isUnique: true),
                new(keys.Ascending(WebhookFields.NameKey).Ascending(WebhookFields.Id), new CreateIndexOptions { Name = "account" }),
                Index("due", keys.Ascending(WebhookFields.DueAt), Filter.Exists(WebhookFields.DueAt)),
                Index("tidy", keys.Ascending(WebhookFields.TidyAt), Filter.Exists(WebhookFields.TidyAt)),
                OutboxEntry.Index(),
            ],
            ct);
        var queue = keys.Ascending(DeliveryFields.WebhookId);
        await Deliveries.Indexes.CreateManyAsync(
            [
                new(queue.Ascending(DeliveryFields.Number), new CreateIndexOptions { Name = "number", Unique = true }),
                new(queue.Ascending(DeliveryFields.State).Ascending(DeliveryFields.Number), new CreateIndexOptions { Name = "state" }),
                Index("ended", keys.Ascending(DeliveryFields.State).Ascending(DeliveryFields.EndedAt), Filter.Exists(DeliveryFields.EndedAt)),
            ],
            ct);
    }

    /// <summary>The webhook, without its outbox; null when the filter finds none.</summary>
    public Task<BsonDocument?> FindAsync(FilterDefinition<BsonDocument> filter, CancellationToken ct) => database.ReadAsync(
        async token => (BsonDocument?)await Documents.Find(filter)
            .Project(Builders<BsonDocument>.Projection.Exclude(OutboxEntry.Field))
            .FirstOrDefaultAsync(token),
        ct);

    /// <summary>The webhook as it is after the update; null when the filter found none.</summary>
    public Task<BsonDocument?> TryUpdateAsync(FilterDefinition<BsonDocument> guard, UpdateDefinition<BsonDocument> update, CancellationToken ct) =>
        database.ReadAsync(
            async token => (BsonDocument?)await Documents.FindOneAndUpdateAsync(
                guard,
                update,
                new FindOneAndUpdateOptions<BsonDocument>
                {
                    ReturnDocument = ReturnDocument.After,
                    Projection = Builders<BsonDocument>.Projection.Exclude(OutboxEntry.Field),
                },
                token),
            ct);

    /// <returns>How many were deleted.</returns>
    public Task<int> DeleteDeliveriesAsync(FilterDefinition<BsonDocument> which, int limit, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var found = limit <= 0
                ? []
                : await Deliveries.Find(which).Project(Builders<BsonDocument>.Projection.Include(DeliveryFields.Id)).Limit(limit).ToListAsync(token);
            if (found.Count > 0)
            {
                await Deliveries.DeleteManyAsync(which & Filter.In(DeliveryFields.Id, found.Select(d => d[DeliveryFields.Id])), token);
            }

            return found.Count;
        },
        ct);

    private static CreateIndexModel<BsonDocument> Index(
        string name,
        IndexKeysDefinition<BsonDocument> keys,
        FilterDefinition<BsonDocument> those,
        bool isUnique = false) =>
        new(keys, new CreateIndexOptions<BsonDocument> { Name = name, Unique = isUnique, PartialFilterExpression = those });
}
