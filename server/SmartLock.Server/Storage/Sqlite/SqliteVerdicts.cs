using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteVerdicts
{
    private const string Decide = $"""
        UPDATE commands SET state = ?3, result = ?4, decided_at = ?5
        WHERE id = ?1 AND device_id = ?2 AND state IN ('Sent', 'Expired') AND result IS NULL
        AND EXISTS (SELECT 1 FROM locks WHERE device_id = ?2 AND key_from = ?6)
        RETURNING {SqliteCommandRow.Columns}
        """;

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
