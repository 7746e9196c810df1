using MongoDB.Driver;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Reads webhooks and their deliveries, locks them for transactions that decide by what they read, and writes what was decided.</summary>
internal sealed class MongoWebhooks(MongoDatabase database)
{
    private static readonly FilterDefinitionBuilder<WebhookDocument> Where = Builders<WebhookDocument>.Filter;
    private static readonly FilterDefinitionBuilder<DeliveryDocument> WhereDelivery = Builders<DeliveryDocument>.Filter;

    public IMongoCollection<WebhookDocument> Documents { get; } = database.Collection<WebhookDocument>(WebhookDocument.Collection);

    public IMongoCollection<DeliveryDocument> Deliveries { get; } = database.Collection<DeliveryDocument>(DeliveryDocument.Collection);

    /// <summary>How a webhook is named among the turns that transactions of this process wait for.</summary>
    public static string TurnOf(string webhookId) => "webhook/" + webhookId;

    public static FilterDefinition<WebhookDocument> Is(string id) => Where.Eq(w => w.Id, id);

    public static FilterDefinition<WebhookDocument> Of(string username) => Where.Eq(w => w.NameKey, MongoNames.KeyOf(username));

    public static FilterDefinition<WebhookDocument> Own(string id, string username) => Is(id) & Of(username);

    public static FilterDefinition<DeliveryDocument> Pending(string webhookId) =>
        WhereDelivery.Eq(d => d.WebhookId, webhookId) & WhereDelivery.Eq(d => d.State, DeliveryState.Pending);

    public static UpdateDefinition<WebhookDocument> Set(WebhookState state) => Builders<WebhookDocument>.Update
        .Set(w => w.Active, state.Active)
        .Set(w => w.Failures, state.Failures)
        .Set(w => w.DeadInARow, state.DeadInARow)
        .SetOrUnset(w => w.InactiveReason, state.InactiveReason)
        .SetOrUnset(w => w.DueAt, state.DueAt)
        .SetOrUnset(w => w.Lease, state.Lease);

    /// <summary>Null when there is no such webhook.</summary>
    public Task<WebhookDocument?> FindAsync(string id, string username, CancellationToken ct) =>
        database.ReadAsync(async token => (WebhookDocument?)await Documents.Find(Own(id, username)).FirstOrDefaultAsync(token), ct);

    /// <summary>
    /// The webhook, locked: of transactions that take the same webhook at once one goes first, and the others run again and see what it did. Null when
    /// there is none.
    /// </summary>
    /// <param name="also">Written with it.</param>
    public async Task<WebhookDocument?> TakeAsync(
        MongoTransaction transaction, FilterDefinition<WebhookDocument> which, UpdateDefinition<WebhookDocument>? also = null)
    {
        var update = Builders<WebhookDocument>.Update.Inc(w => w.Rev, 1);
        return await Documents.FindOneAndUpdateAsync(
            transaction.Session,
            which,
            also is null ? update : Builders<WebhookDocument>.Update.Combine(update, also),
            new FindOneAndUpdateOptions<WebhookDocument> { ReturnDocument = ReturnDocument.After },
            transaction.Ct);
    }

    public Task UpdateAsync(MongoTransaction transaction, string id, UpdateDefinition<WebhookDocument> update) =>
        Documents.UpdateOneAsync(transaction.Session, Is(id), update, null, transaction.Ct);

    public Task UpdateAsync(MongoTransaction transaction, string deliveryId, DeliveryProgress progress) => Deliveries.UpdateOneAsync(
        transaction.Session,
        WhereDelivery.Eq(d => d.Id, deliveryId),
        Builders<DeliveryDocument>.Update
            .Set(d => d.State, progress.State)
            .Set(d => d.Attempts, progress.Attempts)
            .Set(d => d.GiveUpAt, progress.GiveUpAt)
            .SetOrUnset(d => d.StatusCode, progress.StatusCode)
            .SetOrUnset(d => d.Reason, progress.Reason)
            .SetOrUnset(d => d.EndedAt, progress.EndedAt),
        null,
        transaction.Ct);

    /// <summary>Makes deliveries dead that nobody attempts.</summary>
    public Task EndAsync(MongoTransaction transaction, FilterDefinition<DeliveryDocument> which, string reason, DateTimeOffset now) =>
        Deliveries.UpdateManyAsync(
            transaction.Session,
            which,
            Builders<DeliveryDocument>.Update.Set(d => d.State, DeliveryState.Dead).Set(d => d.Reason, reason).Set(d => d.EndedAt, now),
            null,
            transaction.Ct);

    /// <summary>For the account's deletion. No log entries: it is not the account that does it.</summary>
    /// <returns>Their ids; <see cref="DeleteDeliveriesOfAsync"/> is to follow.</returns>
    public async Task<IReadOnlyList<string>> DeleteAllOfAsync(MongoTransaction transaction, string username)
    {
        var ids = await Documents.Find(transaction.Session, Of(username)).Project(w => w.Id).ToListAsync(transaction.Ct);
        await Documents.DeleteManyAsync(transaction.Session, Of(username), null, transaction.Ct);
        return ids;
    }

    public async Task DeleteDeliveriesOfAsync(IReadOnlyList<string> webhookIds, int stepSize, CancellationToken ct)
    {
        if (webhookIds.Count == 0)
        {
            return;
        }

        var which = WhereDelivery.In(d => d.WebhookId, webhookIds);
        while (await DeleteDeliveriesAsync(which, stepSize, ct) == stepSize)
        {
            // Others get their turn between two steps.
        }
    }

    /// <returns>How many were deleted.</returns>
    public Task<int> DeleteDeliveriesAsync(FilterDefinition<DeliveryDocument> which, int limit, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var found = limit <= 0 ? [] : await Deliveries.Find(which).Limit(limit).Project(d => d.Id).ToListAsync(token);
            if (found.Count > 0)
            {
                await Deliveries.DeleteManyAsync(which & WhereDelivery.In(d => d.Id, found), token);
            }

            return found.Count;
        },
        ct);
}
