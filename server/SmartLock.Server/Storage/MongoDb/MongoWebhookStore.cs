using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoWebhookStore(MongoDatabase database, MongoWebhooks webhooks, MongoUsers users, MongoLocks locks) : IWebhookStore
{
    private static readonly FilterDefinitionBuilder<WebhookDocument> Where = Builders<WebhookDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<WebhookDocument> Set = Builders<WebhookDocument>.Update;

    /// <summary>Takes the account: two that it makes at once are counted one after the other, and one that is deleted meanwhile gets none.</summary>
    public Task<CreateWebhookOutcome> CreateAsync(NewWebhook webhook, string username, int most, CancellationToken ct) => TransactAsync(
        webhook.Webhook.Id,
        async transaction =>
        {
            var created = webhook.Webhook;
            if (await users.TakeAsync(transaction, username) is not { } user)
            {
                return CreateWebhookOutcome.TooMany;
            }

            var maySee = created.DeviceId is null
                || (await locks.FindLockAsync(transaction, created.DeviceId))?.IsSeenBy(user.NameKey, created.CreatedAt) is true;
            var count = await webhooks.Documents.CountDocumentsAsync(
                transaction.Session, MongoWebhooks.Of(username), new CountOptions { Limit = most }, transaction.Ct);
            var outcome = WebhookChangeRules.Create(maySee, (int)count, most);
            if (outcome is CreateWebhookOutcome.Created)
            {
                await webhooks.Documents.InsertOneAsync(transaction.Session, WebhookDocument.Of(webhook, user.NameKey), null, transaction.Ct);
                await transaction.AppendAsync(WebhookChangeRules.Created(username, created.CreatedAt), null);
            }

            return outcome;
        },
        ct);

    public async Task<Page<Webhook>> ListAsync(string username, string? afterId, int limit, CancellationToken ct)
    {
        var found = await database.ReadAsync(
            token => webhooks.Documents.Find(MongoWebhooks.Of(username) & Where.Gt(w => w.Id, afterId ?? ""))
                .SortBy(w => w.Id)
                .Limit(limit + 1)
                .ToListAsync(token),
            ct);
        return WebhookCursors.Webhooks.Page(found.ConvertAll(w => w.ToWebhook()), limit, static w => w.Id);
    }

    public async Task<Webhook?> FindAsync(string id, string username, CancellationToken ct) =>
        (await webhooks.FindAsync(id, username, ct))?.ToWebhook();

    public Task<Webhook?> ChangeAsync(string id, string username, WebhookChange change, DateTimeOffset now, CancellationToken ct) => TransactAsync(
        id,
        async transaction =>
        {
            if (await webhooks.TakeAsync(transaction, MongoWebhooks.Own(id, username)) is not { } found)
            {
                return null;
            }

            var update = WebhookChangeRules.Change(found.ToWebhook(), found.ToState(), change, now);
            await webhooks.UpdateAsync(
                transaction, id, Set.Combine(MongoWebhooks.Set(update.State), Set.Set(w => w.Url, update.Url), Set.Set(w => w.Events, update.Events)));
            if (update.EndsPending)
            {
                await webhooks.EndAsync(transaction, MongoWebhooks.Pending(id), DeliveryReasons.Deactivated, now);
            }

            await transaction.AppendAsync(WebhookChangeRules.Changed(username, now), null);
            return found.ToWebhook() with
            {
                Url = update.Url,
                Events = update.Events,
                Active = update.State.Active,
                InactiveReason = update.State.InactiveReason,
            };
        },
        ct);

    public Task<Webhook?> ReplaceSecretAsync(string id, string username, byte[] protectedSecret, DateTimeOffset now, CancellationToken ct) => TransactAsync(
        id,
        async transaction =>
        {
            var changed = await webhooks.TakeAsync(
                transaction, MongoWebhooks.Own(id, username), Set.Set(w => w.ProtectedSecret, protectedSecret));
            if (changed is not null)
            {
                await transaction.AppendAsync(WebhookChangeRules.SecretReplaced(username, now), null);
            }

            return changed?.ToWebhook();
        },
        ct);

    public Task<bool> DeleteAsync(string id, string username, DateTimeOffset now, CancellationToken ct) => TransactAsync(
        id,
        async transaction =>
        {
            var deleted = await webhooks.Documents.DeleteOneAsync(transaction.Session, MongoWebhooks.Own(id, username), null, transaction.Ct);
            if (deleted.DeletedCount == 0)
            {
                return false;
            }

            // No more than are kept and pending of one.
            await webhooks.Deliveries.DeleteManyAsync(
                transaction.Session, Builders<DeliveryDocument>.Filter.Eq(d => d.WebhookId, id), null, transaction.Ct);
            await transaction.AppendAsync(WebhookChangeRules.Deleted(username, now), null);
            return true;
        },
        ct);

    private Task<T> TransactAsync<T>(string id, Func<MongoTransaction, Task<T>> work, CancellationToken ct) =>
        database.TransactAsync([AuditSubjects.Accounts, MongoWebhooks.TurnOf(id)], work, ct);
}
