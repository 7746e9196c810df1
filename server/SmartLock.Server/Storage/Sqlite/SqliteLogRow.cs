using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteLogRow
{
    /// <summary>A <see cref="ChainedEntry"/>.</summary>
    public const string Columns = "logs.*, logs.seq AS sequence";

    /// <summary>With names in place of account ids.</summary>
    public static AuditEntry ToShown(SqliteSession session, ChainedEntry entry) => new(
        entry.Id,
        DateTimeOffset.FromUnixTimeMilliseconds(entry.Time),
        entry.DeviceId,
        SqliteLogNames.ToShown(session, entry.Actor),
        entry.Action,
        entry.Result,
        entry.CommandId,
        entry.Target is null ? null : SqliteLogNames.ToShown(session, entry.Target),
        entry.Sequence,
        entry.PreviousHash,
        entry.Hash,
        entry.Issue);
}
