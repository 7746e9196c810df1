using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Writes how commands end.</summary>
internal static class SqliteCommandEnds
{
    private const string SetEnd = """
        UPDATE commands SET state = @State, result = @Result, decided_at = @DecidedAt, earlier_result = @EarlierResult WHERE id = @Id
        """;

    /// <summary>Devices repeat their verdicts in every heartbeat: those that counted already end here.</summary>
    private const string SelectUndecided = """
        SELECT * FROM commands WHERE id = @CommandId AND (result IS NULL OR (result <> @Result AND earlier_result IS NULL))
        """;

    private const string SelectSent = "SELECT * FROM commands WHERE device_id = @DeviceId AND state = 'Sent'";

    private const string SelectDevice = "SELECT key_from, unsigned FROM locks WHERE device_id = @DeviceId";

    /// <returns>The command as it is stored now.</returns>
    public static Command End(this SqliteSession session, EndedCommand ended)
    {
        var command = ended.Command;
        session.Execute(SetEnd, new { command.Id, State = command.State.ToString(), command.Result, command.DecidedAt, command.EarlierResult });
        session.Append(ended.Entry);
        return command;
    }

    public static void Apply(SqliteSession session, Verdict verdict, List<Command> decided)
    {
        if (session.Prepare(SelectUndecided).Set("@CommandId", verdict.CommandId).Set("@Result", verdict.Result).Find<Command>() is { } command
            && session.Find<DeviceRow>(SelectDevice, verdict) is { } device
            && VerdictRules.Decide(command, verdict, device.KeyFrom) is { } ended)
        {
            decided.Add(session.End(ended));
        }
    }

    public static void Apply(SqliteSession session, DeviceReport report, List<Command> decided)
    {
        if (VerdictRules.SeenBy(report) is null || session.Find<DeviceRow>(SelectDevice, new { report.DeviceId }) is not { } device)
        {
            return;
        }

        foreach (var command in session.Query<Command>(SelectSent, new { report.DeviceId }))
        {
            if (VerdictRules.See(command, report, device.KeyFrom, device.Unsigned) is { } ended)
            {
                decided.Add(session.End(ended));
            }
        }
    }

    private sealed record DeviceRow(long KeyFrom, bool Unsigned);
}
