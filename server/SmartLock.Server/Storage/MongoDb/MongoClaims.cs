using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// How deliveries come out of the queue. Of all replicas one gets a webhook's lease, by a write that works only while it is due; it lasts until
/// the webhook's next attempt would be due anyway, so nothing has to be taken back from a process that was killed.
/// </summary>
internal sealed class MongoClaims(
    MongoDatabase database,
    MongoWebhooks webhooks,
    MongoBacklog backlog,
    MongoAttempts attempts,
    MongoLocks locks,
    MongoAccountReads accounts)
{
    /// <summary>Passed over without an attempt in one turn, at most; the webhook stays due and the next turn goes on.</summary>
    private const int MostPassedOver = 100;

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    public async Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(
        string lease,
        DateTimeOffset now,
        DateTimeOffset leaseUntil,
        ClaimRoom room,
        CancellationToken ct)
    {
        var due = await database.ReadAsync(token => FindDueAsync(now, room, token), ct);
        if (due.Count == 0)
        {
            return [];
        }

        var enabled = await accounts.EnabledAsync(due.Select(row => row[WebhookFields.NameKey].AsString).Distinct(), ct);
        var claimed = new List<ClaimedDelivery>();
        foreach (var id in due.Select(row => row[WebhookFields.Id].AsString))
        {
            var isDue = Filter.Eq(WebhookFields.Id, id) & Filter.Lte(WebhookFields.DueAt, now.ToUnixTimeMilliseconds()) & MongoWebhooks.IsActive;
            var take = Update.Set(WebhookFields.Lease, lease).Set(WebhookFields.DueAt, leaseUntil.ToUnixTimeMilliseconds());
            if (await webhooks.TryUpdateAsync(isDue, take, ct) is { } webhook && await ClaimOfAsync(webhook, lease, enabled, now, ct) is { } claim)
            {
                claimed.Add(claim);
            }
        }

        return claimed;
    }

    private async Task<List<BsonDocument>> FindDueAsync(DateTimeOffset now, ClaimRoom room, CancellationToken ct)
    {
        var mended = now.ToUnixTimeMilliseconds();
        await webhooks.Documents.UpdateManyAsync(
            Filter.Gt(WebhookFields.DueAt, (now + WebhookRules.FarthestDue).ToUnixTimeMilliseconds()),
            Update.Set(WebhookFields.DueAt, mended),
            null,
            ct);
        var due = new List<BsonDocument>();
        var taken = new Dictionary<string, int>(room.Busy, StringComparer.Ordinal);
        using var cursor = await webhooks.Documents.Find(Filter.Lte(WebhookFields.DueAt, mended) & MongoWebhooks.IsActive)
            .Project(Builders<BsonDocument>.Projection.Include(WebhookFields.Id).Include(WebhookFields.NameKey))
            .Sort(Builders<BsonDocument>.Sort.Ascending(WebhookFields.DueAt))
            .ToCursorAsync(ct);
        while (due.Count < room.Most && await cursor.MoveNextAsync(ct))
        {
            foreach (var row in cursor.Current)
            {
                var account = row[WebhookFields.NameKey].AsString;
                var busy = taken.GetValueOrDefault(account);
                if (due.Count < room.Most && busy < room.MostOfAccount)
                {
                    taken[account] = busy + 1;
                    due.Add(row);
                }
            }
        }

        return due;
    }

    /// <summary>The lease is ours. Null when there is nothing to be attempted.</summary>
    private async Task<ClaimedDelivery?> ClaimOfAsync(BsonDocument webhook, string lease, IReadOnlySet<string> enabled, DateTimeOffset now, CancellationToken ct)
    {
        await backlog.SettleAsync(webhook, ct);
        var isEnabled = enabled.Contains(webhook[WebhookFields.NameKey].AsString);
        for (var passed = 0; passed < MostPassedOver; passed++)
        {
            if (await HeadAsync(webhook, lease, ct) is not { } head)
            {
                if (await attempts.TryRestAsync(webhook, lease, ct))
                {
                    return null;
                }

                // Something has come in meanwhile, or the lease is another's by now.
                if (await webhooks.FindAsync(MongoAttempts.Leased(webhook[WebhookFields.Id].AsString, lease), ct) is not { } found)
                {
                    return null;
                }

                webhook = found;
                await backlog.SettleAsync(webhook, ct);
            }
            else if (!isEnabled || (head.DeviceId is { } deviceId && !await MaySeeAsync(deviceId, head.Claim.Account, now, ct)))
            {
                await attempts.DropAsync(head.Claim, now, ct);
            }
            else if (head.Claim.Failures > 0 && head.Claim.GiveUpAt <= now)
            {
                if (await attempts.BuryAsync(head.Claim, head.Claim.Attempts - 1, null, DeliveryReasons.GaveUp, now, ct))
                {
                    return null;
                }
            }
            else
            {
                return head.Claim;
            }
        }

        await webhooks.TryUpdateAsync(
            MongoAttempts.Leased(webhook[WebhookFields.Id].AsString, lease),
            Update.Set(WebhookFields.DueAt, now.ToUnixTimeMilliseconds()).Unset(WebhookFields.Lease),
            ct);
        return null;
    }

    private async Task<bool> MaySeeAsync(string deviceId, string nameKey, DateTimeOffset now, CancellationToken ct) =>
        await locks.FindLockAsync(deviceId, ct) is { } found && MongoAccess.IsSeenBy(found, nameKey, now);

    private async Task<HeadDelivery?> HeadAsync(BsonDocument webhook, string lease, CancellationToken ct)
    {
        var head = await database.ReadAsync(
            async token => (BsonDocument?)await webhooks.Deliveries.Find(MongoWebhooks.Pending(webhook[WebhookFields.Id].AsString))
                .Sort(Builders<BsonDocument>.Sort.Ascending(DeliveryFields.Number))
                .FirstOrDefaultAsync(token),
            ct);
        if (head is null)
        {
            return null;
        }

        var claim = new ClaimedDelivery(
            webhook[WebhookFields.Id].AsString,
            webhook[WebhookFields.NameKey].AsString,
            head[DeliveryFields.Id].AsString,
            lease,
            webhook[WebhookFields.Url].AsString,
            webhook[WebhookFields.ProtectedSecret].AsByteArray,
            head[DeliveryFields.Event].AsString,
            MongoBacklog.BodyOf(head),
            head[DeliveryFields.Attempts].ToInt32() + 1,
            webhook[WebhookFields.Failures].ToInt32(),
            head.Time(DeliveryFields.GiveUpAt));
        return new HeadDelivery(claim, head.TextOrNull(DeliveryFields.DeviceId));
    }

    private sealed record HeadDelivery(ClaimedDelivery Claim, string? DeviceId);
}
