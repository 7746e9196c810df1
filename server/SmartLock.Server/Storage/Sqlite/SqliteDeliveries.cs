using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>How deliveries come into the queue and out of it.</summary>
internal static class SqliteDeliveries
{
    /// <summary>Passed over without an attempt in one turn, at most; the webhook stays due and the next turn goes on.</summary>
    private const int MostPassedOver = 100;

    private const string Insert = """
        INSERT INTO webhook_deliveries (id, webhook_id, event, device_id, body, state, created_at, give_up_at)
        SELECT ?1, id, ?3, ?4, ?5, 'Pending', ?6, ?7 FROM webhooks WHERE id = ?2 AND active = 1
        """;

    private const string Wake = "UPDATE webhooks SET due_at = ifnull(due_at, ?2) WHERE id = ?1";

    private const string CountPending =
        "SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE webhook_id = ?1 AND state = 'Pending' LIMIT ?2)";

    private const string Overflow = """
        UPDATE webhook_deliveries SET state = 'Dead', reason = ?2, ended_at = ?3 WHERE number =
        (SELECT min(number) FROM webhook_deliveries WHERE webhook_id = ?1 AND state = 'Pending')
        """;

    private const string SelectDue = """
        SELECT id, name_key, url, protected_secret, failures, (SELECT disabled FROM users WHERE users.name_key = webhooks.name_key)
        FROM webhooks WHERE due_at <= ?1 ORDER BY due_at
        """;

    private const string MendClock = "UPDATE webhooks SET due_at = ?1 WHERE due_at > ?2";

    private const string SelectHead = """
        SELECT id, event, device_id, body, attempts, give_up_at FROM webhook_deliveries
        WHERE webhook_id = ?1 AND state = 'Pending' ORDER BY number LIMIT 1
        """;

    private const string Lease = "UPDATE webhooks SET due_at = ?2, lease = ?3 WHERE id = ?1";

    private const string Rest = "UPDATE webhooks SET due_at = NULL, lease = NULL WHERE id = ?1";

    private const string Drop = "UPDATE webhook_deliveries SET state = 'Dropped', reason = ?2, ended_at = ?3 WHERE id = ?1";

    private const string Revive = """
        UPDATE webhook_deliveries SET state = 'Pending', reason = NULL, attempts = 0, give_up_at = ?3, ended_at = NULL
        WHERE id = ?1 AND webhook_id = ?2 AND state = 'Dead'
        """;

    private const string Hurry =
        "UPDATE webhooks SET failures = 0, due_at = CASE WHEN lease IS NULL THEN ?2 ELSE due_at END WHERE id = ?1";

    private const string TrimEnded = """
        DELETE FROM webhook_deliveries WHERE webhook_id = ?1 AND state <> 'Pending' AND number <=
        (SELECT number FROM webhook_deliveries WHERE webhook_id = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)
        """;

    private const string SelectOne = "SELECT 1 FROM webhook_deliveries WHERE id = ?1 AND webhook_id = ?2";

    public static void Append(SqliteSession session, NewDelivery delivery, int mostPending)
    {
        if (IsFull(session, delivery.WebhookId, mostPending))
        {
            using var overflow = session.Use(Overflow);
            overflow.Bind(1, delivery.WebhookId).Bind(2, DeliveryReasons.Overflow).Bind(3, delivery.CreatedAt).Run();
        }

        using var insert = session.Use(Insert);
        var written = insert.Bind(1, delivery.Id)
            .Bind(2, delivery.WebhookId)
            .Bind(3, delivery.Event)
            .Bind(4, delivery.DeviceId)
            .Bind(5, delivery.Body)
            .Bind(6, delivery.CreatedAt)
            .Bind(7, delivery.GiveUpAt)
            .Run();
        if (written == 1)
        {
            using var wake = session.Use(Wake);
            wake.Bind(1, delivery.WebhookId).Bind(2, delivery.CreatedAt).Run();
        }
    }

    /// <summary>The oldest that have ended go, down to so many of any state.</summary>
    public static void Trim(SqliteSession session, string webhookId, int mostKept)
    {
        using var trim = session.Use(TrimEnded);
        trim.Bind(1, webhookId).Bind(2, (long)mostKept).Run();
    }

    public static IReadOnlyList<ClaimedDelivery> Claim(
        SqliteSession session,
        string lease,
        DateTimeOffset now,
        DateTimeOffset leaseUntil,
        ClaimRoom room)
    {
        using (var mend = session.Use(MendClock))
        {
            mend.Bind(1, now).Bind(2, now + WebhookRules.FarthestDue).Run();
        }

        var claimed = new List<ClaimedDelivery>();
        foreach (var webhook in FindDue(session, now, room))
        {
            if (ClaimOf(session, webhook, lease, now) is { } claim)
            {
                using var take = session.Use(Lease);
                take.Bind(1, webhook.Id).Bind(2, leaseUntil).Bind(3, lease).Run();
                claimed.Add(claim);
            }
        }

        return claimed;
    }

    public static QueueOutcome Retry(SqliteSession session, string webhookId, string deliveryId, int mostPending, DateTimeOffset now, DateTimeOffset giveUpAt)
    {
        using var one = session.Use(SelectOne);
        if (!one.Bind(1, deliveryId).Bind(2, webhookId).Step())
        {
            return QueueOutcome.NotFound;
        }

        if (IsFull(session, webhookId, mostPending))
        {
            return QueueOutcome.TooMany;
        }

        using var revive = session.Use(Revive);
        if (revive.Bind(1, deliveryId).Bind(2, webhookId).Bind(3, giveUpAt).Run() == 0)
        {
            return QueueOutcome.NotDead;
        }

        using var hurry = session.Use(Hurry);
        hurry.Bind(1, webhookId).Bind(2, now).Run();
        return QueueOutcome.Queued;
    }

    public static bool IsFull(SqliteSession session, string webhookId, int mostPending)
    {
        using var count = session.Use(CountPending);
        count.Bind(1, webhookId).Bind(2, mostPending).Step();
        return count.Int64(0) >= mostPending;
    }

    /// <summary>Read to the end before any of them is written.</summary>
    private static List<DueWebhook> FindDue(SqliteSession session, DateTimeOffset now, ClaimRoom room)
    {
        var due = new List<DueWebhook>();
        var taken = new Dictionary<string, int>(room.Busy, StringComparer.Ordinal);
        using var query = session.Use(SelectDue);
        query.Bind(1, now);
        while (due.Count < room.Most && query.Step())
        {
            var account = query.Text(1);
            var busy = taken.GetValueOrDefault(account);
            if (busy < room.MostOfAccount)
            {
                taken[account] = busy + 1;
                due.Add(new DueWebhook(query.Text(0), account, query.Text(2), query.Blob(3), (int)query.Int64(4), query.Bool(5)));
            }
        }

        return due;
    }

    private static ClaimedDelivery? ClaimOf(SqliteSession session, DueWebhook webhook, string lease, DateTimeOffset now)
    {
        for (var passed = 0; passed < MostPassedOver; passed++)
        {
            if (Head(session, webhook, lease) is not { } head)
            {
                using var rest = session.Use(Rest);
                rest.Bind(1, webhook.Id).Run();
                return null;
            }

            if (webhook.IsDisabled || (head.DeviceId is { } deviceId && !SqliteLiveStore.MaySee(session, deviceId, webhook.NameKey, now)))
            {
                using var drop = session.Use(Drop);
                drop.Bind(1, head.Claim.DeliveryId).Bind(2, DeliveryReasons.AccessLost).Bind(3, now).Run();
            }
            else if (webhook.Failures > 0 && head.Claim.GiveUpAt <= now)
            {
                if (SqliteAttempts.Bury(session, head.Claim, head.Claim.Attempts - 1, null, DeliveryReasons.GaveUp, now) is Burial.Last)
                {
                    return null;
                }
            }
            else
            {
                return head.Claim;
            }
        }

        return null;
    }

    private static HeadDelivery? Head(SqliteSession session, DueWebhook webhook, string lease)
    {
        using var head = session.Use(SelectHead);
        if (!head.Bind(1, webhook.Id).Step())
        {
            return null;
        }

        var claim = new ClaimedDelivery(
            webhook.Id,
            webhook.NameKey,
            head.Text(0),
            lease,
            webhook.Url,
            webhook.ProtectedSecret,
            head.Text(1),
            head.Blob(3),
            (int)head.Int64(4) + 1,
            webhook.Failures,
            head.Time(5));
        return new HeadDelivery(claim, head.TextOrNull(2));
    }

    private sealed record DueWebhook(string Id, string NameKey, string Url, byte[] ProtectedSecret, int Failures, bool IsDisabled);

    private sealed record HeadDelivery(ClaimedDelivery Claim, string? DeviceId);
}
