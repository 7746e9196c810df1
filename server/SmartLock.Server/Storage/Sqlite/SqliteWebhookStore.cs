using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteWebhookStore(SqliteDatabase database) : IWebhookStore
{
    private const string Count = "SELECT count(*) FROM webhooks WHERE name_key = ?1";

    private const string Insert = """
        INSERT INTO webhooks (id, name_key, url, events, device_id, protected_secret, active, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7)
        """;

    private const string SelectPage =
        $"SELECT {SqliteWebhookRow.Columns} FROM webhooks WHERE name_key = ?1 AND id > ?2 ORDER BY id LIMIT ?3";

    private const string Select = $"SELECT {SqliteWebhookRow.Columns} FROM webhooks WHERE id = ?1 AND name_key = ?2";

    private const string Update = "UPDATE webhooks SET url = ifnull(?2, url), events = ifnull(?3, events) WHERE id = ?1";

    private const string SwitchOn = """
        UPDATE webhooks SET active = 1, inactive_reason = NULL, failures = 0, dead_in_a_row = 0,
            due_at = CASE WHEN lease IS NULL AND due_at IS NOT NULL THEN ?2 ELSE due_at END
        WHERE id = ?1
        """;

    private const string ReplaceSecret =
        $"UPDATE webhooks SET protected_secret = ?3 WHERE id = ?1 AND name_key = ?2 RETURNING {SqliteWebhookRow.Columns}";

    private const string Delete = "DELETE FROM webhooks WHERE id = ?1 AND name_key = ?2";

    public Task<CreateWebhookOutcome> CreateAsync(NewWebhook webhook, string username, int most, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Create(session, webhook, username, most), ct);

    public Task<Page<Webhook>> ListAsync(string username, string? afterId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(SelectPage);
                query.Bind(1, SqliteNames.KeyOf(username)).Bind(2, afterId ?? "").Bind(3, limit + 1L);
                var found = new List<Webhook>();
                while (query.Step())
                {
                    found.Add(SqliteWebhookRow.Read(query));
                }

                return WebhookCursors.Webhooks.Page(found, limit, static w => w.Id);
            },
            ct).AsTask();

    public Task<Webhook?> FindAsync(string id, string username, CancellationToken ct) =>
        database.ReadAsync(session => Find(session, id, username), ct).AsTask();

    public Task<Webhook?> ChangeAsync(string id, string username, WebhookChange change, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Change(session, id, username, change, now), ct);

    public Task<Webhook?> ReplaceSecretAsync(string id, string username, byte[] protectedSecret, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var replace = session.Use(ReplaceSecret);
                replace.Bind(1, id).Bind(2, SqliteNames.KeyOf(username)).Bind(3, protectedSecret);
                var found = replace.Step() ? SqliteWebhookRow.Read(replace) : null;
                if (found is not null)
                {
                    Log(session, username, AuditActions.WebhookRotated, now);
                }

                return found;
            },
            ct);

    public Task<bool> DeleteAsync(string id, string username, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var delete = session.Use(Delete);
                if (delete.Bind(1, id).Bind(2, SqliteNames.KeyOf(username)).Run() == 0)
                {
                    return false;
                }

                Log(session, username, AuditActions.WebhookDeleted, now);
                return true;
            },
            ct);

    private static CreateWebhookOutcome Create(SqliteSession session, NewWebhook created, string username, int most)
    {
        var webhook = created.Webhook;
        var nameKey = SqliteNames.KeyOf(username);
        if (webhook.DeviceId is { } deviceId && !SqliteLiveStore.MaySee(session, deviceId, nameKey, webhook.CreatedAt))
        {
            return CreateWebhookOutcome.LockNotFound;
        }

        using var count = session.Use(Count);
        count.Bind(1, nameKey).Step();
        if (count.Int64(0) >= most)
        {
            return CreateWebhookOutcome.TooMany;
        }

        using var insert = session.Use(Insert);
        insert.Bind(1, webhook.Id)
            .Bind(2, nameKey)
            .Bind(3, webhook.Url)
            .Bind(4, SqliteWebhookRow.Join(webhook.Events))
            .Bind(5, webhook.DeviceId)
            .Bind(6, created.ProtectedSecret)
            .Bind(7, webhook.CreatedAt)
            .Run();
        Log(session, username, AuditActions.WebhookCreated, webhook.CreatedAt);
        return CreateWebhookOutcome.Created;
    }

    private static Webhook? Change(SqliteSession session, string id, string username, WebhookChange change, DateTimeOffset now)
    {
        if (Find(session, id, username) is not { } found)
        {
            return null;
        }

        using (var update = session.Use(Update))
        {
            update.Bind(1, id).Bind(2, change.Url).Bind(3, change.Events is null ? null : SqliteWebhookRow.Join(change.Events)).Run();
        }

        if (change.Active is true)
        {
            using var switchOn = session.Use(SwitchOn);
            switchOn.Bind(1, id).Bind(2, now).Run();
        }
        else if (change.Active is false && found.Active)
        {
            SqliteWebhookRow.Deactivate(session, id, InactiveReasons.ByOwner, now);
        }

        Log(session, username, AuditActions.WebhookChanged, now);
        return Find(session, id, username);
    }

    private static Webhook? Find(SqliteSession session, string id, string username)
    {
        using var query = session.Use(Select);
        return query.Bind(1, id).Bind(2, SqliteNames.KeyOf(username)).Step() ? SqliteWebhookRow.Read(query) : null;
    }

    private static void Log(SqliteSession session, string username, string action, DateTimeOffset now) =>
        session.Append(new NewAuditEntry(now, AuditSubjects.Accounts, username, action, AuditResults.WebhookDone));
}
