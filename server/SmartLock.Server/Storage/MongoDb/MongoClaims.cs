using MongoDB.Driver;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// How deliveries come out of the queue. Of all replicas one gets a webhook's lease, in one transaction for each webhook; it lasts until the
/// webhook's next attempt would be due anyway, so nothing has to be taken back from a process that was killed.
/// </summary>
internal sealed class MongoClaims(MongoDatabase database, MongoWebhooks webhooks, MongoLocks locks, MongoAccountReads accounts)
{
    private static readonly FilterDefinitionBuilder<WebhookDocument> Where = Builders<WebhookDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<WebhookDocument> Update = Builders<WebhookDocument>.Update;

    public async Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(
        string lease,
        DateTimeOffset now,
        DateTimeOffset leaseUntil,
        ClaimRoom room,
        CancellationToken ct)
    {
        var claimed = new List<ClaimedDelivery>();
        foreach (var id in await database.ReadAsync(token => FindDueAsync(now, room, token), ct))
        {
            if (await database.TransactAsync(
                MongoWebhooks.TurnOf(id), transaction => ClaimAsync(transaction, id, lease, now, leaseUntil), ct) is { } claim)
            {
                claimed.Add(claim);
            }
        }

        return claimed;
    }

    private async Task<IReadOnlyList<string>> FindDueAsync(DateTimeOffset now, ClaimRoom room, CancellationToken ct)
    {
        await webhooks.Documents.UpdateManyAsync(
            Where.Gt(w => w.DueAt, now + WebhookRules.FarthestDue), Update.Set(w => w.DueAt, now), null, ct);
        var left = new RoomLeft(room);
        var taken = new List<string>();
        using var due = await webhooks.Documents.Find(Where.Lte(w => w.DueAt, now)).SortBy(w => w.DueAt).Project(w => new { w.Id, w.NameKey }).ToCursorAsync(ct);
        while (!left.IsNone && await due.MoveNextAsync(ct))
        {
            taken.AddRange(due.Current.Where(w => left.TryTake(w.NameKey)).Select(w => w.Id));
        }

        return taken;
    }

    /// <summary>Null when another was first, or there is nothing to be attempted.</summary>
    private async Task<ClaimedDelivery?> ClaimAsync(
        MongoTransaction transaction, string id, string lease, DateTimeOffset now, DateTimeOffset leaseUntil)
    {
        var isDue = MongoWebhooks.Is(id) & Where.Lte(w => w.DueAt, now) & Where.Eq(w => w.Active, true);
        if (await webhooks.TakeAsync(transaction, isDue) is not { } webhook)
        {
            return null;
        }

        var state = webhook.ToState();
        var isEnabled = await accounts.FindEnabledAsync(transaction.Session, webhook.NameKey, transaction.Ct) is not null;
        for (var passed = 0; passed < DeliveryRules.MostPassedOver; passed++)
        {
            if (await FindHeadAsync(transaction, id) is not { } head)
            {
                await webhooks.UpdateAsync(transaction, id, MongoWebhooks.Set(DeliveryRules.AtRest(state)));
                return null;
            }

            var maySee = isEnabled && (head.DeviceId is null || await MaySeeAsync(transaction, head.DeviceId, webhook.NameKey, now));
            var decision = DeliveryRules.Head(state, head.ToProgress(), maySee, now);
            state = decision.Webhook;
            if (decision.IsAttempted)
            {
                await webhooks.UpdateAsync(transaction, id, MongoWebhooks.Set(state with { Lease = lease, DueAt = leaseUntil }));
                return ClaimOf(webhook, head, lease);
            }

            await webhooks.UpdateAsync(transaction, head.Id, decision.Delivery!);
            if (decision.EndsPending)
            {
                await webhooks.UpdateAsync(transaction, id, MongoWebhooks.Set(state));
                await webhooks.EndAsync(transaction, MongoWebhooks.Pending(id), DeliveryReasons.Deactivated, now);
                return null;
            }
        }

        await webhooks.UpdateAsync(transaction, id, MongoWebhooks.Set(state with { Lease = null, DueAt = now }));
        return null;
    }

    private async Task<bool> MaySeeAsync(MongoTransaction transaction, string deviceId, string nameKey, DateTimeOffset now) =>
        await locks.FindLockAsync(transaction, deviceId) is { } found && found.IsSeenBy(nameKey, now);

    private static ClaimedDelivery ClaimOf(WebhookDocument webhook, DeliveryDocument head, string lease) => new(
        webhook.Id,
        webhook.NameKey,
        head.Id,
        lease,
        webhook.Url,
        webhook.ProtectedSecret,
        head.Event,
        head.ToBody(),
        head.Attempts + 1,
        webhook.Failures,
        head.GiveUpAt);

    private async Task<DeliveryDocument?> FindHeadAsync(MongoTransaction transaction, string webhookId) =>
        await webhooks.Deliveries.Find(transaction.Session, MongoWebhooks.Pending(webhookId))
            .SortBy(d => d.Number)
            .Limit(1)
            .FirstOrDefaultAsync(transaction.Ct);
}
