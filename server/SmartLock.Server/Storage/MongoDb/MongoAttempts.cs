using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>How attempts end. All that is written about a webhook is guarded by the lease.</summary>
internal sealed class MongoAttempts(MongoDatabase database, MongoWebhooks webhooks, MongoWebhookTidy tidy)
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    public static FilterDefinition<BsonDocument> Leased(string webhookId, string lease) =>
        Filter.Eq(WebhookFields.Id, webhookId) & Filter.Eq(WebhookFields.Lease, lease) & MongoWebhooks.IsActive;

    public async Task CompleteAsync(AttemptResult result, CancellationToken ct)
    {
        var claim = result.Claim;
        if (result.End is AttemptEnd.Delivered)
        {
            await DeliverAsync(result, ct);
        }

        if (await webhooks.FindAsync(Leased(claim.WebhookId, claim.Lease), ct) is not { } webhook)
        {
            return;
        }

        switch (result.End)
        {
            case AttemptEnd.Failed:
                await NoteFailureAsync(result, ct);
                break;
            case AttemptEnd.Gone:
                await BuryAsync(claim, claim.Attempts, result.StatusCode, result.Reason, result.Now, ct);
                await DeactivateAsync(claim, InactiveReasons.Gone, result.Now, ct);
                return;
            case AttemptEnd.GaveUp or AttemptEnd.Rejected
                when await BuryAsync(claim, claim.Attempts, result.StatusCode, result.Reason, result.Now, ct):
                return;
        }

        await GiveBackAsync(webhook, result, ct);
    }

    /// <summary>Makes a pending delivery dead, and counts it against its webhook.</summary>
    /// <param name="attempts">How many were made, this one included if it was made at all.</param>
    /// <returns>True when it was one too many in a row: the webhook is inactive now.</returns>
    public async Task<bool> BuryAsync(ClaimedDelivery claim, int attempts, int? statusCode, string? reason, DateTimeOffset now, CancellationToken ct)
    {
        var update = Ended(DeliveryState.Dead, now).Set(DeliveryFields.Attempts, attempts);
        update = statusCode is { } code ? update.Set(DeliveryFields.StatusCode, code) : update;
        update = reason is null ? update.Unset(DeliveryFields.Reason) : update.Set(DeliveryFields.Reason, reason);
        if (!await TryUpdateAsync(claim, update, ct, DeliveryState.Pending))
        {
            return false;
        }

        var counted = await webhooks.TryUpdateAsync(Leased(claim.WebhookId, claim.Lease), Update.Inc(WebhookFields.DeadInARow, 1), ct);
        if (counted is null || counted[WebhookFields.DeadInARow].ToInt32() < WebhookRules.MostDeadInARow)
        {
            return false;
        }

        await DeactivateAsync(claim, InactiveReasons.Failing, now, ct);
        return true;
    }

    public Task DropAsync(ClaimedDelivery claim, DateTimeOffset now, CancellationToken ct) =>
        TryUpdateAsync(claim, Ended(DeliveryState.Dropped, now).Set(DeliveryFields.Reason, DeliveryReasons.AccessLost), ct, DeliveryState.Pending);

    /// <summary>Nothing is pending. False when something has come in meanwhile, or the lease is another's.</summary>
    public async Task<bool> TryRestAsync(BsonDocument webhook, string lease, CancellationToken ct) =>
        await webhooks.TryUpdateAsync(
            Leased(webhook[WebhookFields.Id].AsString, lease) & Filter.Eq(WebhookFields.Queued, webhook[WebhookFields.Queued]),
            Update.Unset(WebhookFields.DueAt).Unset(WebhookFields.Lease),
            ct) is not null;

    private static UpdateDefinition<BsonDocument> Ended(DeliveryState state, DateTimeOffset now) => Update
        .Set(DeliveryFields.State, state.ToString())
        .Set(DeliveryFields.EndedAt, now.ToUnixTimeMilliseconds());

    private static int FailuresAfter(AttemptResult result) => result.End switch
    {
        AttemptEnd.Failed or AttemptEnd.GaveUp => result.Claim.Failures + 1,
        AttemptEnd.Interrupted => result.Claim.Failures,
        AttemptEnd.Delivered or AttemptEnd.Rejected or AttemptEnd.Gone => 0,
    };

    private Task<bool> DeliverAsync(AttemptResult result, CancellationToken ct)
    {
        var update = Ended(DeliveryState.Delivered, result.Now).Inc(DeliveryFields.Attempts, 1).Unset(DeliveryFields.Reason);
        update = result.StatusCode is { } code ? update.Set(DeliveryFields.StatusCode, code) : update.Unset(DeliveryFields.StatusCode);
        return TryUpdateAsync(result.Claim, update, ct, DeliveryState.Pending, DeliveryState.Dead);
    }

    private Task<bool> NoteFailureAsync(AttemptResult result, CancellationToken ct)
    {
        var update = Update.Inc(DeliveryFields.Attempts, 1);
        update = result.StatusCode is { } code ? update.Set(DeliveryFields.StatusCode, code) : update.Unset(DeliveryFields.StatusCode);
        update = result.Reason is null ? update.Unset(DeliveryFields.Reason) : update.Set(DeliveryFields.Reason, result.Reason);
        return TryUpdateAsync(result.Claim, update, ct, DeliveryState.Pending);
    }

    private async Task DeactivateAsync(ClaimedDelivery claim, string reason, DateTimeOffset now, CancellationToken ct)
    {
        if (await webhooks.TryUpdateAsync(Leased(claim.WebhookId, claim.Lease), MongoWebhooks.Deactivate(reason, now), ct) is not null)
        {
            await tidy.TryTidyAsync(claim.WebhookId);
        }
    }

    /// <summary>To rest when nothing is pending; what comes in at that moment makes it due.</summary>
    private async Task GiveBackAsync(BsonDocument webhook, AttemptResult result, CancellationToken ct)
    {
        var leased = Leased(result.Claim.WebhookId, result.Claim.Lease);
        var update = Update.Set(WebhookFields.Failures, FailuresAfter(result)).Unset(WebhookFields.Lease);
        update = result.End is AttemptEnd.Delivered ? update.Set(WebhookFields.DeadInARow, 0) : update;
        if (!await HasPendingAsync(webhook, ct))
        {
            var isStill = leased & Filter.Eq(WebhookFields.Queued, webhook[WebhookFields.Queued]);
            if (await webhooks.TryUpdateAsync(isStill, update.Unset(WebhookFields.DueAt), ct) is not null)
            {
                return;
            }
        }

        await webhooks.TryUpdateAsync(leased, update.Set(WebhookFields.DueAt, result.NextAt.ToUnixTimeMilliseconds()), ct);
    }

    private async Task<bool> HasPendingAsync(BsonDocument webhook, CancellationToken ct) =>
        (webhook.TryGetValue(WebhookFields.Incoming, out var incoming) && incoming.AsBsonArray.Count > 0)
        || await database.ReadAsync(
            token => webhooks.Deliveries.Find(MongoWebhooks.Pending(webhook[WebhookFields.Id].AsString)).Limit(1).AnyAsync(token),
            ct);

    private Task<bool> TryUpdateAsync(
        ClaimedDelivery claim,
        UpdateDefinition<BsonDocument> update,
        CancellationToken ct,
        params DeliveryState[] states) =>
        database.ReadAsync(
            async token => (await webhooks.Deliveries.UpdateOneAsync(
                Filter.Eq(DeliveryFields.Id, claim.DeliveryId) & Filter.In(DeliveryFields.State, states.Select(s => s.ToString())),
                update,
                null,
                token)).MatchedCount > 0,
            ct);
}
