using System.Text;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// How deliveries come into the queue. They are numbered and put into their webhook's document by one write, which also makes it due; from
/// there whoever comes first takes them to their places, before anything behind them is looked at. So they are neither lost nor out
/// of order, whichever process dies.
/// </summary>
internal sealed class MongoBacklog(MongoDatabase database, MongoWebhooks webhooks)
{
    private const int MostAtOnce = 200;

    /// <summary>Trimmed once in so many deliveries: there may be as many more for a while.</summary>
    private const int TrimEvery = 100;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    public static byte[] BodyOf(BsonDocument delivery) => Utf8.GetBytes(delivery[DeliveryFields.Body].AsString);

    /// <summary>False when the webhook is gone or inactive.</summary>
    /// <param name="mostPending">The oldest beyond it become dead; null to leave them.</param>
    public async Task<bool> AppendAsync(string webhookId, IEnumerable<NewDelivery> deliveries, int? mostPending, CancellationToken ct)
    {
        foreach (var part in deliveries.Chunk(MostAtOnce))
        {
            var isThis = Filter.Eq(WebhookFields.Id, webhookId) & MongoWebhooks.IsActive;
            var due = new BsonDocument("$ifNull", new BsonArray { $"${WebhookFields.DueAt}", part[0].CreatedAt.ToUnixTimeMilliseconds() });
            if (await webhooks.TryUpdateAsync(isThis, Push([.. part.Select(ToBson)], due), ct) is not { } pushed)
            {
                return false;
            }

            // Written is written: that they get to their places does not hang on the caller's patience.
            await SettleAsync(pushed, CancellationToken.None);
            if (mostPending is { } most)
            {
                await OverflowAsync(webhookId, most, part[^1].CreatedAt, CancellationToken.None);
            }

            var number = pushed[WebhookFields.Queued].ToInt64();
            if (number / TrimEvery != (number - part.Length) / TrimEvery)
            {
                await TrimAsync(webhookId, WebhookRules.MostKept, CancellationToken.None);
            }
        }

        return true;
    }

    /// <summary>Makes a dead delivery pending again, and its webhook due unless it is at work. False when the webhook is gone or inactive.</summary>
    public async Task<bool> RetryAsync(string webhookId, string deliveryId, DateTimeOffset now, DateTimeOffset giveUpAt, CancellationToken ct)
    {
        var retry = new BsonDocument
        {
            { DeliveryFields.Id, Literal(deliveryId) },
            { DeliveryFields.IsRetry, true },
            { DeliveryFields.GiveUpAt, giveUpAt.ToUnixTimeMilliseconds() },
        };
        var due = new BsonDocument(
            "$cond",
            new BsonArray
            {
                new BsonDocument("$ifNull", new BsonArray { $"${WebhookFields.Lease}", false }),
                $"${WebhookFields.DueAt}",
                now.ToUnixTimeMilliseconds(),
            });
        var isThis = Filter.Eq(WebhookFields.Id, webhookId) & MongoWebhooks.IsActive;
        if (await webhooks.TryUpdateAsync(isThis, Push([retry], due, new BsonDocument(WebhookFields.Failures, 0)), ct) is not { } pushed)
        {
            return false;
        }

        await SettleAsync(pushed, CancellationToken.None);
        return true;
    }

    /// <summary>Takes what has come in to its place. Two who do it at once do it once.</summary>
    public async Task SettleAsync(BsonDocument webhook, CancellationToken ct)
    {
        if (!webhook.TryGetValue(WebhookFields.Incoming, out var incoming) || incoming.AsBsonArray.Count == 0)
        {
            return;
        }

        var items = incoming.AsBsonArray.Select(item => item.AsBsonDocument).ToList();
        await InsertAsync([.. items.Where(item => !item.Contains(DeliveryFields.IsRetry)).Select(item => PlacedIn(webhook, item))], ct);
        foreach (var retry in items.Where(item => item.Contains(DeliveryFields.IsRetry)))
        {
            await ReviveAsync(webhook[WebhookFields.Id], retry, ct);
        }

        await database.ReadAsync(
            token => webhooks.Documents.UpdateOneAsync(
                Filter.Eq(WebhookFields.Id, webhook[WebhookFields.Id]),
                Update.PullFilter<BsonDocument>(WebhookFields.Incoming, Filter.In(DeliveryFields.Number, items.Select(item => item[DeliveryFields.Number]))),
                null,
                token),
            ct);
    }

    public async Task<bool> IsFullAsync(string webhookId, int mostPending, CancellationToken ct) =>
        await database.ReadAsync(
            token => webhooks.Deliveries.CountDocumentsAsync(MongoWebhooks.Pending(webhookId), new CountOptions { Limit = mostPending }, token),
            ct) >= mostPending;

    /// <summary>What was pending when the webhook was switched off becomes dead.</summary>
    public async Task EndPendingAsync(BsonDocument webhook, long at, CancellationToken ct)
    {
        await SettleAsync(webhook, ct);

        // Not what was queued after it was switched on again.
        var which = MongoWebhooks.Pending(webhook[WebhookFields.Id].AsString)
            & Filter.Lte(DeliveryFields.Number, webhook[WebhookFields.Queued]);
        await EndAsync(which, DeliveryReasons.Deactivated, at, ct);
    }

    private static BsonDocument ToBson(NewDelivery delivery) => new()
    {
        { DeliveryFields.Id, Literal(delivery.Id) },
        { DeliveryFields.Event, Literal(delivery.Event) },
        { DeliveryFields.DeviceId, delivery.DeviceId is { } deviceId ? Literal(deviceId) : null, delivery.DeviceId is not null },
        { DeliveryFields.Body, Literal(Utf8.GetString(delivery.Body)) },
        { DeliveryFields.CreatedAt, delivery.CreatedAt.ToUnixTimeMilliseconds() },
        { DeliveryFields.GiveUpAt, delivery.GiveUpAt.ToUnixTimeMilliseconds() },
    };

    /// <summary>In a pipeline a text that begins with a dollar sign would be the name of a field.</summary>
    private static BsonDocument Literal(string text) => new("$literal", text);

    /// <summary>Numbers the items and adds them to what has come in, in one write.</summary>
    private static UpdateDefinition<BsonDocument> Push(IReadOnlyList<BsonDocument> items, BsonValue due, BsonDocument? others = null)
    {
        for (var i = 0; i < items.Count; i++)
        {
            items[i].Add(DeliveryFields.Number, new BsonDocument("$add", new BsonArray { $"${WebhookFields.Queued}", i + 1L }));
        }

        var before = new BsonDocument("$ifNull", new BsonArray { $"${WebhookFields.Incoming}", new BsonArray() });
        var set = new BsonDocument
        {
            { WebhookFields.Queued, new BsonDocument("$add", new BsonArray { $"${WebhookFields.Queued}", (long)items.Count }) },
            { WebhookFields.Incoming, new BsonDocument("$concatArrays", new BsonArray { before, new BsonArray(items) }) },
            { WebhookFields.DueAt, due },
        };
        return new PipelineUpdateDefinition<BsonDocument>(
            new BsonDocumentStagePipelineDefinition<BsonDocument, BsonDocument>([new BsonDocument("$set", set.Merge(others ?? []))]));
    }

    private static BsonDocument PlacedIn(BsonDocument webhook, BsonDocument item) => new BsonDocument(item)
    {
        { DeliveryFields.WebhookId, webhook[WebhookFields.Id] },
        { DeliveryFields.State, nameof(DeliveryState.Pending) },
        { DeliveryFields.Attempts, 0 },
    };

    private async Task InsertAsync(IReadOnlyList<BsonDocument> deliveries, CancellationToken ct)
    {
        if (deliveries.Count == 0)
        {
            return;
        }

        try
        {
            await database.ReadAsync(
                token => webhooks.Deliveries.InsertManyAsync(deliveries, new InsertManyOptions { IsOrdered = false }, token),
                ct);
        }
        catch (Exception e) when (MongoErrors.IsDuplicateKey(e))
        {
            // Another has taken them there already.
        }
    }

    private Task<UpdateResult> ReviveAsync(BsonValue webhookId, BsonDocument retry, CancellationToken ct) => database.ReadAsync(
        token => webhooks.Deliveries.UpdateOneAsync(
            Filter.Eq(DeliveryFields.Id, retry[DeliveryFields.Id])
                & Filter.Eq(DeliveryFields.WebhookId, webhookId)
                & Filter.Eq(DeliveryFields.State, nameof(DeliveryState.Dead)),
            Update.Set(DeliveryFields.State, nameof(DeliveryState.Pending))
                .Set(DeliveryFields.Attempts, 0)
                .Set(DeliveryFields.GiveUpAt, retry[DeliveryFields.GiveUpAt])
                .Unset(DeliveryFields.Reason)
                .Unset(DeliveryFields.EndedAt),
            null,
            token),
        ct);

    /// <summary>Those that are not among the newest: two who do it at once name the same.</summary>
    private async Task OverflowAsync(string webhookId, int mostPending, DateTimeOffset now, CancellationToken ct)
    {
        var beyond = await FindAsync(MongoWebhooks.Pending(webhookId), mostPending, ct);
        if (beyond is not null)
        {
            var which = MongoWebhooks.Pending(webhookId) & Filter.Lte(DeliveryFields.Number, beyond);
            await EndAsync(which, DeliveryReasons.Overflow, now.ToUnixTimeMilliseconds(), ct);
        }
    }

    /// <summary>The oldest that have ended go, down to so many of any state.</summary>
    private async Task TrimAsync(string webhookId, int mostKept, CancellationToken ct)
    {
        var isOfIt = Filter.Eq(DeliveryFields.WebhookId, webhookId);
        if (await FindAsync(isOfIt, mostKept, ct) is { } beyond)
        {
            await database.ReadAsync(
                token => webhooks.Deliveries.DeleteManyAsync(
                    isOfIt & Filter.Lte(DeliveryFields.Number, beyond) & Filter.Ne(DeliveryFields.State, nameof(DeliveryState.Pending)),
                    token),
                ct);
        }
    }

    /// <summary>The number of the newest but so many; null when there are no more.</summary>
    private async Task<BsonValue?> FindAsync(FilterDefinition<BsonDocument> which, int newest, CancellationToken ct)
    {
        var found = await database.ReadAsync(
            async token => (BsonDocument?)await webhooks.Deliveries.Find(which)
                .Sort(Builders<BsonDocument>.Sort.Descending(DeliveryFields.Number))
                .Skip(newest)
                .Project(Builders<BsonDocument>.Projection.Include(DeliveryFields.Number))
                .FirstOrDefaultAsync(token),
            ct);
        return found?[DeliveryFields.Number];
    }

    private Task<UpdateResult> EndAsync(FilterDefinition<BsonDocument> which, string reason, long at, CancellationToken ct) => database.ReadAsync(
        token => webhooks.Deliveries.UpdateManyAsync(
            which,
            Update.Set(DeliveryFields.State, nameof(DeliveryState.Dead)).Set(DeliveryFields.Reason, reason).Set(DeliveryFields.EndedAt, at),
            null,
            token),
        ct);
}
