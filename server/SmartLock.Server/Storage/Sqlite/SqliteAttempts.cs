using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.Sqlite;

internal enum Burial
{
    Buried,

    /// <summary>One too many in a row: the webhook is inactive now.</summary>
    Last,
}

/// <summary>How attempts end.</summary>
internal static class SqliteAttempts
{
    private const string Deliver = """
        UPDATE webhook_deliveries SET state = 'Delivered', attempts = attempts + 1, status_code = ?2, reason = NULL, ended_at = ?3
        WHERE id = ?1 AND state IN ('Pending', 'Dead')
        """;

    private const string Note = """
        UPDATE webhook_deliveries SET attempts = attempts + 1, status_code = ?2, reason = ?3 WHERE id = ?1 AND state = 'Pending'
        """;

    private const string Die = """
        UPDATE webhook_deliveries SET state = 'Dead', attempts = ?5, status_code = ifnull(?2, status_code), reason = ?3, ended_at = ?4
        WHERE id = ?1 AND state = 'Pending'
        """;

    private const string CountDead = "UPDATE webhooks SET dead_in_a_row = dead_in_a_row + 1 WHERE id = ?1 RETURNING dead_in_a_row";

    private const string HoldsLease = "SELECT 1 FROM webhooks WHERE id = ?1 AND lease = ?2";

    private const string GiveBack = """
        UPDATE webhooks SET lease = NULL, failures = ?2, dead_in_a_row = CASE ?3 WHEN 1 THEN 0 ELSE dead_in_a_row END,
            due_at = CASE WHEN EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook_id = webhooks.id AND state = 'Pending') THEN ?4 END
        WHERE id = ?1
        """;

    public static void Complete(SqliteSession session, AttemptResult result)
    {
        var claim = result.Claim;
        if (result.End is AttemptEnd.Delivered)
        {
            using var deliver = session.Use(Deliver);
            deliver.Bind(1, claim.DeliveryId).Bind(2, result.StatusCode).Bind(3, result.Now).Run();
        }

        using (var holds = session.Use(HoldsLease))
        {
            if (!holds.Bind(1, claim.WebhookId).Bind(2, claim.Lease).Step())
            {
                return;
            }
        }

        switch (result.End)
        {
            case AttemptEnd.Failed:
                NoteFailure(session, result);
                break;
            case AttemptEnd.Gone:
                Bury(session, claim, claim.Attempts, result.StatusCode, result.Reason, result.Now);
                SqliteWebhookRow.Deactivate(session, claim.WebhookId, InactiveReasons.Gone, result.Now);
                return;
            case AttemptEnd.GaveUp or AttemptEnd.Rejected when Bury(session, claim, claim.Attempts, result.StatusCode, result.Reason, result.Now) is Burial.Last:
                return;
        }

        using var back = session.Use(GiveBack);
        back.Bind(1, claim.WebhookId)
            .Bind(2, FailuresAfter(result))
            .Bind(3, result.End is AttemptEnd.Delivered)
            .Bind(4, result.NextAt)
            .Run();
    }

    /// <summary>Makes a pending delivery dead, and counts it against its webhook.</summary>
    /// <param name="attempts">How many were made, this one included if it was made at all.</param>
    public static Burial Bury(SqliteSession session, ClaimedDelivery claim, int attempts, int? statusCode, string? reason, DateTimeOffset now)
    {
        using (var die = session.Use(Die))
        {
            if (die.Bind(1, claim.DeliveryId).Bind(2, statusCode).Bind(3, reason).Bind(4, now).Bind(5, attempts).Run() == 0)
            {
                return Burial.Buried;
            }
        }

        using (var count = session.Use(CountDead))
        {
            if (!count.Bind(1, claim.WebhookId).Step() || count.Int64(0) < WebhookRules.MostDeadInARow)
            {
                return Burial.Buried;
            }
        }

        SqliteWebhookRow.Deactivate(session, claim.WebhookId, InactiveReasons.Failing, now);
        return Burial.Last;
    }

    private static int FailuresAfter(AttemptResult result) => result.End switch
    {
        AttemptEnd.Failed or AttemptEnd.GaveUp => result.Claim.Failures + 1,
        AttemptEnd.Interrupted => result.Claim.Failures,
        AttemptEnd.Delivered or AttemptEnd.Rejected or AttemptEnd.Gone => 0,
    };

    private static void NoteFailure(SqliteSession session, AttemptResult result)
    {
        using var note = session.Use(Note);
        note.Bind(1, result.Claim.DeliveryId).Bind(2, result.StatusCode).Bind(3, result.Reason).Run();
    }
}
