using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteLogRow
{
    public const string Columns = "id, device_id, seq, time, actor, action, result, command_id, target, previous_hash, hash";

    /// <summary>Reads <see cref="Columns"/>.</summary>
    public static ChainedEntry Read(SqliteStatement row) => new(
        row.Int64(0),
        row.Text(1),
        row.Int64(2),
        row.Int64(3),
        row.Text(4),
        row.Text(5),
        row.Text(6),
        row.TextOrNull(7),
        row.TextOrNull(8),
        row.Blob(9),
        row.Blob(10));

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
        entry.Hash);
}
