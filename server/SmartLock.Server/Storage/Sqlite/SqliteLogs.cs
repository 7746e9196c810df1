using SmartLock.Server.Audit;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Appends log entries inside the transaction of what they tell of.</summary>
internal static class SqliteLogs
{
    private const string Insert =
        "INSERT INTO logs (time, device_id, actor, action, result, command_id, target) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

    public static void Append(this SqliteSession session, NewAuditEntry entry)
    {
        using var insert = session.Use(Insert);
        insert.Bind(1, entry.Time)
            .Bind(2, entry.DeviceId)
            .Bind(3, entry.Actor)
            .Bind(4, entry.Action)
            .Bind(5, entry.Result)
            .Bind(6, entry.CommandId)
            .Bind(7, entry.Target)
            .Run();
    }

    public static void AppendAvailable(this SqliteSession session, string deviceId, DateTimeOffset time) =>
        session.Append(new NewAuditEntry(
            time,
            deviceId,
            AuditActors.Device(deviceId),
            AuditActions.Connectivity,
            AuditResults.Available));

    public static void AppendUnavailable(this SqliteSession session, string deviceId, string issue, DateTimeOffset time) =>
        session.Append(new NewAuditEntry(
            time,
            deviceId,
            AuditActors.System,
            AuditActions.Connectivity,
            AuditResults.Unavailable(issue)));

    public static void AppendOutcome(this SqliteSession session, Command command, string actor, string result, DateTimeOffset time) =>
        session.Append(new NewAuditEntry(time, command.DeviceId, actor, ActionOf(command.Action), result, command.Id));

    public static string ActionOf(CommandAction action) => action switch
    {
        CommandAction.Lock => AuditActions.LockCommand,
        CommandAction.Unlock => AuditActions.UnlockCommand,
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
    };
}
