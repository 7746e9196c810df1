using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoDeliveryStore(
    MongoDatabase database,
    MongoWebhooks webhooks,
    MongoBacklog backlog,
    MongoClaims claims,
    MongoAttempts attempts,
    MongoAccountReads accounts) : IDeliveryStore
{
    private const int WrittenAtOnce = 4;

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    public async Task<IReadOnlyList<ListeningWebhook>> FindListeningAsync(IReadOnlyCollection<string> usernames, CancellationToken ct)
    {
        var found = await database.ReadAsync(
            token => webhooks.Documents.Find(Filter.In(WebhookFields.NameKey, usernames.Select(MongoNames.KeyOf).Distinct()) & MongoWebhooks.IsActive)
                .Project(Builders<BsonDocument>.Projection.Include(WebhookFields.NameKey).Include(WebhookFields.Events).Include(WebhookFields.DeviceId))
                .ToListAsync(token),
            ct);
        if (found.Count == 0)
        {
            return [];
        }

        var enabled = await accounts.EnabledAsync(found.Select(row => row[WebhookFields.NameKey].AsString).Distinct(), ct);
        return
        [
            .. found.Where(row => enabled.Contains(row[WebhookFields.NameKey].AsString))
                .Select(row => new ListeningWebhook(
                    row[WebhookFields.Id].AsString,
                    row[WebhookFields.NameKey].AsString,
                    MongoWebhookRow.EventsOf(row),
                    row.TextOrNull(WebhookFields.DeviceId))),
        ];
    }

    public Task EnqueueAsync(IReadOnlyCollection<NewDelivery> deliveries, int mostPending, CancellationToken ct) => Parallel.ForEachAsync(
        deliveries.GroupBy(d => d.WebhookId),
        new ParallelOptions { MaxDegreeOfParallelism = WrittenAtOnce, CancellationToken = ct },
        async (ofOne, token) => await backlog.AppendAsync(ofOne.Key, ofOne, mostPending, token));

    public async Task<QueueOutcome> EnqueueAsync(NewDelivery delivery, string username, int mostPending, CancellationToken ct)
    {
        var outcome = await CheckOwnAsync(delivery.WebhookId, username, ct);
        if (outcome is not QueueOutcome.Queued)
        {
            return outcome;
        }

        if (await backlog.IsFullAsync(delivery.WebhookId, mostPending, ct))
        {
            return QueueOutcome.TooMany;
        }

        return await backlog.AppendAsync(delivery.WebhookId, [delivery], null, ct) ? QueueOutcome.Queued : QueueOutcome.Inactive;
    }

    public Task<DateTimeOffset?> NextDueAsync(DateTimeOffset now, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var first = await DueAsync(Builders<BsonDocument>.Sort.Ascending(WebhookFields.DueAt), token);
            var last = await DueAsync(Builders<BsonDocument>.Sort.Descending(WebhookFields.DueAt), token);
            return last > now + WebhookRules.FarthestDue ? now : first;
        },
        ct);

    public Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(
        string lease,
        DateTimeOffset now,
        DateTimeOffset leaseUntil,
        ClaimRoom room,
        CancellationToken ct) =>
        claims.ClaimAsync(lease, now, leaseUntil, room, ct);

    public Task CompleteAsync(AttemptResult result, CancellationToken ct) => attempts.CompleteAsync(result, ct);

    public async Task<Page<Delivery>?> ListAsync(
        string webhookId,
        string username,
        DeliveryState? state,
        long? beforeNumber,
        int limit,
        CancellationToken ct)
    {
        if (await CheckOwnAsync(webhookId, username, ct) is QueueOutcome.NotFound)
        {
            return null;
        }

        var wanted = Filter.Eq(DeliveryFields.WebhookId, webhookId) & Filter.Lt(DeliveryFields.Number, beforeNumber ?? long.MaxValue);
        if (state is { } one)
        {
            wanted &= Filter.Eq(DeliveryFields.State, one.ToString());
        }

        var found = await database.ReadAsync(
            token => webhooks.Deliveries.Find(wanted)
                .Project(Builders<BsonDocument>.Projection.Exclude(DeliveryFields.Body))
                .Sort(Builders<BsonDocument>.Sort.Descending(DeliveryFields.Number))
                .Limit(limit + 1)
                .ToListAsync(token),
            ct);
        return WebhookCursors.PageOf(found.ConvertAll(MongoWebhookRow.ReadDelivery), limit);
    }

    public async Task<QueueOutcome> RetryAsync(
        string webhookId,
        string deliveryId,
        string username,
        int mostPending,
        DateTimeOffset now,
        DateTimeOffset giveUpAt,
        CancellationToken ct)
    {
        var outcome = await CheckOwnAsync(webhookId, username, ct);
        if (outcome is not QueueOutcome.Queued)
        {
            return outcome;
        }

        var isThis = Filter.Eq(DeliveryFields.Id, deliveryId) & Filter.Eq(DeliveryFields.WebhookId, webhookId);
        var found = await database.ReadAsync(
            async token => (BsonDocument?)await webhooks.Deliveries.Find(isThis)
                .Project(Builders<BsonDocument>.Projection.Include(DeliveryFields.State))
                .FirstOrDefaultAsync(token),
            ct);
        if (found is null)
        {
            return QueueOutcome.NotFound;
        }

        if (await backlog.IsFullAsync(webhookId, mostPending, ct))
        {
            return QueueOutcome.TooMany;
        }

        if (found[DeliveryFields.State].AsString != nameof(DeliveryState.Dead))
        {
            return QueueOutcome.NotDead;
        }

        return await backlog.RetryAsync(webhookId, deliveryId, now, giveUpAt, ct) ? QueueOutcome.Queued : QueueOutcome.Inactive;
    }

    public async Task<int> DeleteEndedAsync(DateTimeOffset deliveredBefore, DateTimeOffset othersBefore, int limit, CancellationToken ct)
    {
        var deleted = 0;
        foreach (var (state, before) in new[]
        {
            (DeliveryState.Delivered, deliveredBefore),
            (DeliveryState.Dead, othersBefore),
            (DeliveryState.Dropped, othersBefore),
        })
        {
            var isOld = Filter.Eq(DeliveryFields.State, state.ToString()) & Filter.Lt(DeliveryFields.EndedAt, before.ToUnixTimeMilliseconds());
            deleted += await webhooks.DeleteDeliveriesAsync(isOld, limit - deleted, ct);
        }

        return deleted;
    }

    /// <summary>Queued when it is the account's and active.</summary>
    private async Task<QueueOutcome> CheckOwnAsync(string webhookId, string username, CancellationToken ct) =>
        await webhooks.FindAsync(MongoWebhooks.Own(webhookId, username), ct) switch
        {
            null => QueueOutcome.NotFound,
            var found => found.IsTrue(WebhookFields.Active) ? QueueOutcome.Queued : QueueOutcome.Inactive,
        };

    private async Task<DateTimeOffset?> DueAsync(SortDefinition<BsonDocument> order, CancellationToken ct)
    {
        var found = await webhooks.Documents.Find(Filter.Exists(WebhookFields.DueAt) & MongoWebhooks.IsActive)
            .Project(Builders<BsonDocument>.Projection.Include(WebhookFields.DueAt))
            .Sort(order)
            .FirstOrDefaultAsync(ct);
        return found?.TimeOrNull(WebhookFields.DueAt);
    }
}
