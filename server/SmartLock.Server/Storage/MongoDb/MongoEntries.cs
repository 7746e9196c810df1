using SmartLock.Server.Audit;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The log entries that several stores make.</summary>
internal static class MongoEntries
{
    public static NewAuditEntry Available(string deviceId, DateTimeOffset time) =>
        new(time, deviceId, AuditActors.Device(deviceId), AuditActions.Connectivity, AuditResults.Available);

    public static NewAuditEntry Unavailable(string deviceId, string issue, DateTimeOffset time) =>
        new(time, deviceId, AuditActors.System, AuditActions.Connectivity, AuditResults.Unavailable(issue));

    public static NewAuditEntry Outcome(Command command, string actor, string result, DateTimeOffset time) =>
        new(time, command.DeviceId, actor, ActionOf(command.Action), result, command.Id);

    public static string ActionOf(CommandAction action) => action switch
    {
        CommandAction.Lock => AuditActions.LockCommand,
        CommandAction.Unlock => AuditActions.UnlockCommand,
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
    };
}
