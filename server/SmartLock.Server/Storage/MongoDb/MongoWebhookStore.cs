using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoWebhookStore(
    MongoDatabase database,
    MongoWebhooks webhooks,
    MongoWebhookTidy tidy,
    MongoLocks locks,
    MongoAccountReads accounts,
    MongoLog log) : IWebhookStore
{
    private static readonly TimeSpan ReservationHolds = TimeSpan.FromMinutes(1);

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    public async Task<CreateWebhookOutcome> CreateAsync(NewWebhook webhook, string username, int most, CancellationToken ct)
    {
        var created = webhook.Webhook;
        if (created.DeviceId is { } deviceId
            && (await locks.FindLockAsync(deviceId, ct) is not { } found || MongoAccess.Of(found, username, created.CreatedAt) is null))
        {
            return CreateWebhookOutcome.LockNotFound;
        }

        var nameKey = MongoNames.KeyOf(username);
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            var isOwn = Filter.Eq(WebhookFields.NameKey, nameKey);
            if (await database.ReadAsync(token => MongoSlots.FindFreeAsync(webhooks.Documents, isOwn, most, tries, token), ct) is not { } slot)
            {
                return CreateWebhookOutcome.TooMany;
            }

            if (await TryInsertAsync(webhook, nameKey, slot, ct))
            {
                return await UseAsync(created, username, nameKey, ct);
            }
        }

        throw MongoLockChanges.TooBusy();
    }

    public Task<Page<Webhook>> ListAsync(string username, string? afterId, int limit, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var isOwn = Filter.Eq(WebhookFields.NameKey, MongoNames.KeyOf(username)) & Filter.Gt(WebhookFields.Id, afterId ?? "");
            var found = await webhooks.Documents.Find(isOwn & MongoWebhooks.IsThere)
                .Project(Builders<BsonDocument>.Projection.Exclude(WebhookFields.Incoming).Exclude(WebhookFields.ProtectedSecret))
                .Sort(Builders<BsonDocument>.Sort.Ascending(WebhookFields.Id))
                .Limit(limit + 1)
                .ToListAsync(token);
            return WebhookCursors.Webhooks.Page(found.ConvertAll(MongoWebhookRow.Read), limit, static w => w.Id);
        },
        ct);

    public async Task<Webhook?> FindAsync(string id, string username, CancellationToken ct) =>
        await webhooks.FindAsync(MongoWebhooks.Own(id, username), ct) is { } found ? MongoWebhookRow.Read(found) : null;

    public async Task<Webhook?> ChangeAsync(string id, string username, WebhookChange change, DateTimeOffset now, CancellationToken ct)
    {
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            if (await webhooks.FindAsync(MongoWebhooks.Own(id, username), ct) is not { } found)
            {
                return null;
            }

            var wasActive = found.IsTrue(WebhookFields.Active);
            var guard = MongoWebhooks.Own(id, username) & Filter.Eq(WebhookFields.Active, wasActive);
            if (change.Active is true && !wasActive)
            {
                // What it left pending when it was switched off is not to be delivered after all.
                await tidy.TidyAsync(id, ct);
                guard &= Filter.Exists(WebhookFields.TidyAt, false);
            }

            if (await UpdateAsync(guard, UpdateOf(change, wasActive, now), username, AuditActions.WebhookChanged, now, ct) is { } changed)
            {
                await FollowAsync(id, change, wasActive, now);
                return MongoWebhookRow.Read(changed);
            }
        }

        throw MongoLockChanges.TooBusy();
    }

    public async Task<Webhook?> ReplaceSecretAsync(string id, string username, byte[] protectedSecret, DateTimeOffset now, CancellationToken ct)
    {
        var update = Update.Set(WebhookFields.ProtectedSecret, protectedSecret);
        var changed = await UpdateAsync(MongoWebhooks.Own(id, username), update, username, AuditActions.WebhookRotated, now, ct);
        return changed is null ? null : MongoWebhookRow.Read(changed);
    }

    public async Task<bool> DeleteAsync(string id, string username, DateTimeOffset now, CancellationToken ct)
    {
        var update = Update.Set(WebhookFields.Deleted, true)
            .Set(WebhookFields.TidyAt, now.ToUnixTimeMilliseconds())
            .Unset(WebhookFields.Slot)
            .Unset(WebhookFields.DueAt)
            .Unset(WebhookFields.Lease);
        if (await UpdateAsync(MongoWebhooks.Own(id, username), update, username, AuditActions.WebhookDeleted, now, ct) is null)
        {
            return false;
        }

        await tidy.TryTidyAsync(id);
        return true;
    }

    private static UpdateDefinition<BsonDocument> UpdateOf(WebhookChange change, bool wasActive, DateTimeOffset now)
    {
        var update = change.Active switch
        {
            true => Update.Set(WebhookFields.Active, true)
                .Set(WebhookFields.Failures, 0)
                .Set(WebhookFields.DeadInARow, 0)
                .Unset(WebhookFields.InactiveReason),
            false when wasActive => MongoWebhooks.Deactivate(InactiveReasons.ByOwner, now),
            _ => Update.Combine(),
        };
        update = change.Url is { } url ? update.Set(WebhookFields.Url, url) : update;
        return change.Events is { } events ? update.Set(WebhookFields.Events, events) : update;
    }

    /// <summary>What a change brings with it. If it does not come to that, an attempt is made later, and tidying up is done by whoever comes by.</summary>
    private async Task FollowAsync(string id, WebhookChange change, bool wasActive, DateTimeOffset now)
    {
        if (change.Active is false && wasActive)
        {
            await tidy.TryTidyAsync(id);
        }
        else if (change.Active is true && wasActive)
        {
            await webhooks.TryUpdateAsync(
                Filter.Eq(WebhookFields.Id, id) & Filter.Exists(WebhookFields.DueAt) & Filter.Exists(WebhookFields.Lease, false),
                Update.Set(WebhookFields.DueAt, now.ToUnixTimeMilliseconds()),
                CancellationToken.None);
        }
    }

    /// <summary>With its log entry, which stands in the log when this returns. Null when the guard finds none.</summary>
    private async Task<BsonDocument?> UpdateAsync(
        FilterDefinition<BsonDocument> guard,
        UpdateDefinition<BsonDocument> update,
        string username,
        string action,
        DateTimeOffset now,
        CancellationToken ct)
    {
        var entry = await log.PrepareAsync(new NewAuditEntry(now, AuditSubjects.Accounts, username, action, AuditResults.WebhookDone), null, ct);
        var changed = await webhooks.TryUpdateAsync(guard, Update.Combine(update, OutboxEntry.Push(entry)), ct);
        if (changed is not null)
        {
            await log.TryDrainAsync(webhooks.Documents, [changed[WebhookFields.Id]], CancellationToken.None);
        }

        return changed;
    }

    /// <summary>Nobody sees it yet. False when the slot is another's by now.</summary>
    private Task<bool> TryInsertAsync(NewWebhook created, string nameKey, int slot, CancellationToken ct)
    {
        var webhook = created.Webhook;
        var document = new BsonDocument
        {
            { WebhookFields.Id, webhook.Id },
            { WebhookFields.NameKey, nameKey },
            { WebhookFields.Slot, slot },
            { WebhookFields.Url, webhook.Url },
            { WebhookFields.Events, new BsonArray(webhook.Events) },
            { WebhookFields.DeviceId, webhook.DeviceId, webhook.DeviceId is not null },
            { WebhookFields.ProtectedSecret, created.ProtectedSecret },
            { WebhookFields.Active, true },
            { WebhookFields.Failures, 0 },
            { WebhookFields.DeadInARow, 0 },
            { WebhookFields.Queued, 0L },
            { WebhookFields.CreatedAt, webhook.CreatedAt.ToUnixTimeMilliseconds() },
            { WebhookFields.Deleted, true },
            { WebhookFields.TidyAt, (webhook.CreatedAt + ReservationHolds).ToUnixTimeMilliseconds() },
        };
        return database.ReadAsync(
            async token =>
            {
                try
                {
                    await webhooks.Documents.InsertOneAsync(document, null, token);
                    return true;
                }
                catch (Exception e) when (MongoErrors.IsLostInsert(e))
                {
                    return false;
                }
            },
            ct);
    }

    /// <summary>An account that is deleted at this moment either finds the webhook, or is found to be gone.</summary>
    private async Task<CreateWebhookOutcome> UseAsync(Webhook webhook, string username, string nameKey, CancellationToken ct)
    {
        var isHidden = Filter.Eq(WebhookFields.Id, webhook.Id) & Filter.Eq(WebhookFields.Deleted, true) & Filter.Exists(WebhookFields.Slot);
        if (await accounts.IsGoneAsync(nameKey, ct))
        {
            await webhooks.TryUpdateAsync(isHidden, Update.Set(WebhookFields.TidyAt, webhook.CreatedAt.ToUnixTimeMilliseconds()), ct);
            await tidy.TryTidyAsync(webhook.Id);
            return CreateWebhookOutcome.TooMany;
        }

        var use = Update.Unset(WebhookFields.Deleted).Unset(WebhookFields.TidyAt);
        return await UpdateAsync(isHidden, use, username, AuditActions.WebhookCreated, webhook.CreatedAt, ct) is null
            ? CreateWebhookOutcome.TooMany
            : CreateWebhookOutcome.Created;
    }
}
