using MongoDB.Driver;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoDeliveryStore(MongoDatabase database, MongoWebhooks webhooks, MongoClaims claims, MongoAccountReads accounts) : IDeliveryStore
{
    private const int WrittenAtOnce = 4;

    /// <summary>Trimmed once in so many deliveries: there may be as many more for a while.</summary>
    private const int TrimEvery = 100;

    private static readonly FilterDefinitionBuilder<WebhookDocument> Where = Builders<WebhookDocument>.Filter;
    private static readonly FilterDefinitionBuilder<DeliveryDocument> WhereDelivery = Builders<DeliveryDocument>.Filter;

    public async Task<IReadOnlyList<ListeningWebhook>> FindListeningAsync(IReadOnlyCollection<string> usernames, CancellationToken ct)
    {
        var isTheirs = Where.In(w => w.NameKey, usernames.Select(MongoNames.KeyOf).Distinct()) & Where.Eq(w => w.Active, true);
        var found = await database.ReadAsync(token => webhooks.Documents.Find(isTheirs).ToListAsync(token), ct);
        if (found.Count == 0)
        {
            return [];
        }

        var enabled = await accounts.EnabledAsync(found.Select(w => w.NameKey).Distinct(), ct);
        return [.. found.Where(w => enabled.Contains(w.NameKey)).Select(w => new ListeningWebhook(w.Id, w.NameKey, w.Events, w.DeviceId))];
    }

    public Task EnqueueAsync(IReadOnlyCollection<NewDelivery> deliveries, int mostPending, CancellationToken ct) => Parallel.ForEachAsync(
        deliveries.GroupBy(d => d.WebhookId),
        new ParallelOptions { MaxDegreeOfParallelism = WrittenAtOnce, CancellationToken = ct },
        async (ofOne, token) => await TransactAsync(
            ofOne.Key,
            async transaction =>
            {
                if (await webhooks.TakeAsync(transaction, MongoWebhooks.Is(ofOne.Key) & Where.Eq(w => w.Active, true)) is { } webhook)
                {
                    NewDelivery[] all = [.. ofOne];
                    await AppendAsync(transaction, webhook, all);
                    await OverflowAsync(transaction, webhook.Id, mostPending, all[^1].CreatedAt);
                }

                return true;
            },
            token));

    public Task<QueueOutcome> EnqueueAsync(NewDelivery delivery, string username, int mostPending, CancellationToken ct) => TransactAsync(
        delivery.WebhookId,
        async transaction =>
        {
            var webhook = await webhooks.TakeAsync(transaction, MongoWebhooks.Own(delivery.WebhookId, username));
            var outcome = DeliveryRules.Queue(webhook?.ToState(), await IsFullAsync(transaction, delivery.WebhookId, mostPending));
            if (outcome is QueueOutcome.Queued)
            {
                await AppendAsync(transaction, webhook!, [delivery]);
            }

            return outcome;
        },
        ct);

    public Task<DateTimeOffset?> NextDueAsync(DateTimeOffset now, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var due = webhooks.Documents.Find(Where.Exists(w => w.DueAt));
            var first = await due.SortBy(w => w.DueAt).Limit(1).Project(w => w.DueAt).FirstOrDefaultAsync(token);
            var last = first is null ? null : await due.SortByDescending(w => w.DueAt).Limit(1).Project(w => w.DueAt).FirstOrDefaultAsync(token);
            return DeliveryRules.NextDue(first, last, now);
        },
        ct);

    public Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(
        string lease,
        DateTimeOffset now,
        DateTimeOffset leaseUntil,
        ClaimRoom room,
        CancellationToken ct) =>
        claims.ClaimAsync(lease, now, leaseUntil, room, ct);

    public Task CompleteAsync(AttemptResult result, CancellationToken ct) => TransactAsync(
        result.Claim.WebhookId,
        async transaction =>
        {
            var (webhookId, deliveryId) = (result.Claim.WebhookId, result.Claim.DeliveryId);
            var webhook = await webhooks.TakeAsync(transaction, MongoWebhooks.Is(webhookId));
            var delivery = await FindAsync(transaction, WhereDelivery.Eq(d => d.Id, deliveryId));
            var others = MongoWebhooks.Pending(webhookId) & WhereDelivery.Ne(d => d.Id, deliveryId);
            var hasOthers = await webhooks.Deliveries.Find(transaction.Session, others).Limit(1).AnyAsync(transaction.Ct);
            var update = DeliveryRules.Complete(result, webhook?.ToState(), delivery?.ToProgress(), hasOthers);
            await WriteAsync(transaction, webhookId, deliveryId, update, result.Now);
            return true;
        },
        ct);

    public async Task<Page<Delivery>?> ListAsync(
        string webhookId,
        string username,
        DeliveryState? state,
        long? beforeNumber,
        int limit,
        CancellationToken ct)
    {
        if (await webhooks.FindAsync(webhookId, username, ct) is null)
        {
            return null;
        }

        var wanted = WhereDelivery.Eq(d => d.WebhookId, webhookId) & WhereDelivery.Lt(d => d.Number, beforeNumber ?? long.MaxValue);
        if (state is { } one)
        {
            wanted &= WhereDelivery.Eq(d => d.State, one);
        }

        var found = await database.ReadAsync(
            token => webhooks.Deliveries.Find(wanted).SortByDescending(d => d.Number).Limit(limit + 1).ToListAsync(token), ct);
        return WebhookCursors.PageOf(found.ConvertAll(d => d.ToDelivery()), limit);
    }

    public Task<QueueOutcome> RetryAsync(
        string webhookId,
        string deliveryId,
        string username,
        int mostPending,
        DateTimeOffset now,
        DateTimeOffset giveUpAt,
        CancellationToken ct) => TransactAsync(
        webhookId,
        async transaction =>
        {
            var webhook = await webhooks.TakeAsync(transaction, MongoWebhooks.Own(webhookId, username));
            var delivery = await FindAsync(transaction, WhereDelivery.Eq(d => d.Id, deliveryId) & WhereDelivery.Eq(d => d.WebhookId, webhookId));
            var outcome = DeliveryRules.Retry(webhook?.ToState(), delivery?.State, await IsFullAsync(transaction, webhookId, mostPending));
            if (outcome is QueueOutcome.Queued)
            {
                await WriteAsync(transaction, webhookId, deliveryId, DeliveryRules.Retried(webhook!.ToState(), delivery!.ToProgress(), now, giveUpAt), now);
            }

            return outcome;
        },
        ct);

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
            var isOld = WhereDelivery.Eq(d => d.State, state) & WhereDelivery.Lt(d => d.EndedAt, before);
            deleted += await webhooks.DeleteDeliveriesAsync(isOld, limit - deleted, ct);
        }

        return deleted;
    }

    private Task<T> TransactAsync<T>(string webhookId, Func<MongoTransaction, Task<T>> work, CancellationToken ct) =>
        database.TransactAsync(MongoWebhooks.TurnOf(webhookId), work, ct);

    private async Task<DeliveryDocument?> FindAsync(MongoTransaction transaction, FilterDefinition<DeliveryDocument> which) =>
        await webhooks.Deliveries.Find(transaction.Session, which).FirstOrDefaultAsync(transaction.Ct);

    private async Task<bool> IsFullAsync(MongoTransaction transaction, string webhookId, int mostPending) =>
        await webhooks.Deliveries.CountDocumentsAsync(
            transaction.Session, MongoWebhooks.Pending(webhookId), new CountOptions { Limit = mostPending }, transaction.Ct) >= mostPending;

    private async Task WriteAsync(MongoTransaction transaction, string webhookId, string deliveryId, QueueUpdate update, DateTimeOffset now)
    {
        if (update.Delivery is { } progress)
        {
            await webhooks.UpdateAsync(transaction, deliveryId, progress);
        }

        if (update.Webhook is { } state)
        {
            await webhooks.UpdateAsync(transaction, webhookId, MongoWebhooks.Set(state));
        }

        if (update.EndsPending)
        {
            await webhooks.EndAsync(transaction, MongoWebhooks.Pending(webhookId), DeliveryReasons.Deactivated, now);
        }
    }

    /// <param name="webhook">Taken, so that nobody else gives numbers to its deliveries.</param>
    private async Task AppendAsync(MongoTransaction transaction, WebhookDocument webhook, NewDelivery[] deliveries)
    {
        var last = webhook.Queued + deliveries.Length;
        await webhooks.Deliveries.InsertManyAsync(
            transaction.Session, deliveries.Select((delivery, i) => DeliveryDocument.Of(delivery, webhook.Queued + i + 1)), null, transaction.Ct);
        var due = DeliveryRules.DueAfterQueueing(webhook.DueAt, deliveries[0].CreatedAt);
        await webhooks.UpdateAsync(transaction, webhook.Id, Builders<WebhookDocument>.Update.Set(w => w.Queued, last).Set(w => w.DueAt, due));
        if (last / TrimEvery != webhook.Queued / TrimEvery)
        {
            await TrimAsync(transaction, webhook.Id, WebhookRules.MostKept);
        }
    }

    private async Task OverflowAsync(MongoTransaction transaction, string webhookId, int mostPending, DateTimeOffset now)
    {
        var pending = MongoWebhooks.Pending(webhookId);
        if (await FindBeyondAsync(transaction, pending, mostPending) is { } beyond)
        {
            await webhooks.EndAsync(transaction, pending & WhereDelivery.Lte(d => d.Number, beyond), DeliveryReasons.Overflow, now);
        }
    }

    /// <summary>The oldest that have ended go, down to so many of any state.</summary>
    private async Task TrimAsync(MongoTransaction transaction, string webhookId, int mostKept)
    {
        var isOfIt = WhereDelivery.Eq(d => d.WebhookId, webhookId);
        if (await FindBeyondAsync(transaction, isOfIt, mostKept) is { } beyond)
        {
            await webhooks.Deliveries.DeleteManyAsync(
                transaction.Session,
                isOfIt & WhereDelivery.Lte(d => d.Number, beyond) & WhereDelivery.Ne(d => d.State, DeliveryState.Pending),
                null,
                transaction.Ct);
        }
    }

    /// <summary>The number of the newest but so many; null when there are no more.</summary>
    private async Task<long?> FindBeyondAsync(MongoTransaction transaction, FilterDefinition<DeliveryDocument> which, int newest)
    {
        var found = await webhooks.Deliveries.Find(transaction.Session, which)
            .SortByDescending(d => d.Number)
            .Skip(newest)
            .Limit(1)
            .Project(d => d.Number)
            .ToListAsync(transaction.Ct);
        return found.Count == 0 ? null : found[0];
    }
}
