using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Leases the webhooks that are due, each with its oldest pending delivery.</summary>
internal static class SqliteClaims
{
    private const string SelectDue = """
        SELECT webhooks.*, (SELECT disabled FROM users WHERE users.name_key = webhooks.name_key) AS is_disabled
        FROM webhooks WHERE due_at <= @now ORDER BY due_at
        """;

    private const string MendClock = "UPDATE webhooks SET due_at = @now WHERE due_at > @farthest";

    private const string SelectHead =
        "SELECT * FROM webhook_deliveries WHERE webhook_id = @Id AND state = 'Pending' ORDER BY number LIMIT 1";

    public static IReadOnlyList<ClaimedDelivery> Claim(
        SqliteSession session,
        string lease,
        DateTimeOffset now,
        DateTimeOffset leaseUntil,
        ClaimRoom room)
    {
        session.Execute(MendClock, new { now, farthest = now + WebhookRules.FarthestDue });
        var claimed = new List<ClaimedDelivery>();
        foreach (var due in FindDue(session, now, room))
        {
            var state = session.FindWebhookState(due.Id)!;
            if (TakeHead(session, due, ref state, now) is { } head)
            {
                session.Write(due.Id, state with { DueAt = leaseUntil, Lease = lease });
                claimed.Add(new ClaimedDelivery(
                    due.Id, due.NameKey, head.Id, lease, due.Url, due.ProtectedSecret, head.Event, head.Body, head.Attempts + 1, state.Failures, head.GiveUpAt));
            }
        }

        return claimed;
    }

    /// <summary>Read before any of them is written, and no further than there is room.</summary>
    private static List<DueWebhook> FindDue(SqliteSession session, DateTimeOffset now, ClaimRoom room)
    {
        var left = new RoomLeft(room);
        return [.. session.Stream<DueWebhook>(SelectDue, new { now }).TakeWhile(_ => !left.IsNone).Where(due => left.TryTake(due.NameKey))];
    }

    /// <returns>Null when there is nothing to attempt just now.</returns>
    private static SqliteDelivery? TakeHead(SqliteSession session, DueWebhook due, ref WebhookState state, DateTimeOffset now)
    {
        for (var passed = 0; passed < DeliveryRules.MostPassedOver; passed++)
        {
            if (session.Find<SqliteDelivery>(SelectHead, due) is not { } head)
            {
                session.Write(due.Id, DeliveryRules.AtRest(state));
                return null;
            }

            var maySee = !due.IsDisabled && (head.DeviceId is not { } deviceId || SqliteLiveStore.MaySee(session, deviceId, due.NameKey, now));
            var decision = DeliveryRules.Head(state, head.ToProgress(), maySee, now);
            if (decision.IsAttempted)
            {
                return head;
            }

            state = decision.Webhook;
            SqliteDeliveries.Write(session, due.Id, head.Id, new QueueUpdate(decision.Delivery, state, decision.EndsPending), now);
            if (!state.Active)
            {
                return null;
            }
        }

        return null;
    }

    private sealed record DueWebhook(string Id, string NameKey, string Url, byte[] ProtectedSecret, bool IsDisabled);
}
