using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteWebhookStore(SqliteDatabase database) : IWebhookStore
{
    private const string Count = "SELECT count(*) FROM webhooks WHERE name_key = @nameKey";

    private const string Insert = """
        INSERT INTO webhooks (id, name_key, url, events, device_id, protected_secret, active, created_at)
        VALUES (@Id, @NameKey, @Url, @Events, @DeviceId, @ProtectedSecret, @Active, @CreatedAt)
        """;

    private const string SelectPage = "SELECT * FROM webhooks WHERE name_key = @nameKey AND id > @after ORDER BY id LIMIT @limit";

    private const string Update = "UPDATE webhooks SET url = @Url, events = @Events WHERE id = @id";

    private const string ReplaceSecret = "UPDATE webhooks SET protected_secret = @protectedSecret WHERE id = @id AND name_key = @nameKey";

    private const string Delete = "DELETE FROM webhooks WHERE id = @id AND name_key = @nameKey";

    public Task<CreateWebhookOutcome> CreateAsync(NewWebhook webhook, string username, int most, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Create(session, webhook, username, most), ct);

    public Task<Page<Webhook>> ListAsync(string username, string? afterId, int limit, CancellationToken ct)
    {
        var page = new { nameKey = SqliteNames.KeyOf(username), after = afterId ?? "", limit = limit + 1L };
        return database.ReadAsync(
            session => WebhookCursors.Webhooks.Page(session.Query<Webhook>(SelectPage, page), limit, static w => w.Id), ct).AsTask();
    }

    public Task<Webhook?> FindAsync(string id, string username, CancellationToken ct) =>
        database.ReadAsync(session => session.FindOwnWebhook<Webhook>(id, username), ct).AsTask();

    public Task<Webhook?> ChangeAsync(string id, string username, WebhookChange change, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Change(session, id, username, change, now), ct);

    public Task<Webhook?> ReplaceSecretAsync(string id, string username, byte[] protectedSecret, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                if (session.Execute(ReplaceSecret, new { id, nameKey = SqliteNames.KeyOf(username), protectedSecret }) == 0)
                {
                    return null;
                }

                session.Append(WebhookChangeRules.SecretReplaced(username, now));
                return session.FindOwnWebhook<Webhook>(id, username);
            },
            ct);

    public Task<bool> DeleteAsync(string id, string username, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                if (session.Execute(Delete, new { id, nameKey = SqliteNames.KeyOf(username) }) == 0)
                {
                    return false;
                }

                session.Append(WebhookChangeRules.Deleted(username, now));
                return true;
            },
            ct);

    private static CreateWebhookOutcome Create(SqliteSession session, NewWebhook created, string username, int most)
    {
        var webhook = created.Webhook;
        var nameKey = SqliteNames.KeyOf(username);
        var maySeeLock = webhook.DeviceId is not { } deviceId || SqliteLiveStore.MaySee(session, deviceId, nameKey, webhook.CreatedAt);
        var outcome = WebhookChangeRules.Create(maySeeLock, session.Scalar<int>(Count, new { nameKey }), most);
        if (outcome is CreateWebhookOutcome.Created)
        {
            session.Execute(Insert, new
            {
                webhook.Id,
                NameKey = nameKey,
                webhook.Url,
                webhook.Events,
                webhook.DeviceId,
                created.ProtectedSecret,
                webhook.Active,
                webhook.CreatedAt,
            });
            session.Append(WebhookChangeRules.Created(username, webhook.CreatedAt));
        }

        return outcome;
    }

    private static Webhook? Change(SqliteSession session, string id, string username, WebhookChange change, DateTimeOffset now)
    {
        if (session.FindOwnWebhook<Webhook>(id, username) is not { } found)
        {
            return null;
        }

        var update = WebhookChangeRules.Change(found, session.FindWebhookState(id)!, change, now);
        session.Execute(Update, new { id, update.Url, update.Events });
        session.Write(id, update.State);
        if (update.EndsPending)
        {
            session.EndPending(id, now);
        }

        session.Append(WebhookChangeRules.Changed(username, now));
        return session.FindOwnWebhook<Webhook>(id, username);
    }
}
