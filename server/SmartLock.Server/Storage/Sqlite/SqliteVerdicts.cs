using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteVerdicts
{
    private const string Decide = $"""
        UPDATE commands SET state = ?3, result = ?4, decided_at = ?5
        WHERE id = ?1 AND device_id = ?2 AND state IN ('Sent', 'Expired') AND result IS NULL
        AND EXISTS (SELECT 1 FROM locks WHERE device_id = ?2 AND key_from = ?6)
        RETURNING {SqliteCommandRow.Columns}
        """;

    private const string See = $"""
        UPDATE commands SET state = 'Done', result = '{VerdictWords.Done}', decided_at = ?3
        WHERE device_id = ?1 AND state = 'Sent' AND result IS NULL AND action = ?2 AND issued_at <= ?3
        AND EXISTS (SELECT 1 FROM locks WHERE device_id = ?1 AND key_from = ?4 AND unsigned = 1)
        RETURNING {SqliteCommandRow.Columns}
        """;

    /// <summary>
    /// The sketch for unsigned devices names no command in its statuses: there the bolt speaks for it, once it is where the command wanted it.
    /// After the verdicts, since a device that has one to give knows better.
    /// </summary>
    public static void Apply(SqliteSession session, DeviceReport report, List<Command> decided)
    {
        CommandAction? done = report.Status switch
        {
            LockStatus.Locked => CommandAction.Lock,
            LockStatus.Unlocked => CommandAction.Unlock,
            _ => null,
        };
        if (!report.Unsigned || done is null)
        {
            return;
        }

        using var see = session.Use(See);
        see.Bind(1, report.DeviceId).Bind(2, done.ToString()).Bind(3, report.HeardAt).Bind(4, report.KeyFrom);
        foreach (var command in SqliteCommandRow.ReadAll(see))
        {
            session.AppendOutcome(command, AuditActors.Device(report.DeviceId), AuditResults.Seen, report.HeardAt);
            decided.Add(command);
        }
    }

    public static void Apply(SqliteSession session, Verdict verdict, List<Command> decided)
    {
        using var decide = session.Use(Decide);
        decide.Bind(1, verdict.CommandId)
            .Bind(2, verdict.DeviceId)
            .Bind(3, VerdictWords.StateFor(verdict.Result).ToString())
            .Bind(4, verdict.Result)
            .Bind(5, verdict.HeardAt)
            .Bind(6, verdict.KeyFrom);
        foreach (var command in SqliteCommandRow.ReadAll(decide))
        {
            session.AppendOutcome(command, AuditActors.Device(verdict.DeviceId), verdict.Result, verdict.HeardAt);
            decided.Add(command);
        }
    }
}
