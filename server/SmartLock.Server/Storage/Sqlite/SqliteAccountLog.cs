using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteAccountLog
{
    /// <summary>An entry about an account: its own (<paramref name="actor"/>), or somebody's <paramref name="target"/>.</summary>
    public static void AppendAccount(
        this SqliteSession session, string actor, string action, string result, DateTimeOffset time, string? target = null) =>
        session.Append(new NewAuditEntry(time, AuditSubjects.Accounts, actor, action, result, Target: target));
}
