using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Chains the entries of a store that was written before there were chains. Part of the migration's transaction.</summary>
internal static class SqliteLogChaining
{
    private const string SelectOld =
        $"SELECT time, device_id, actor, action, result, command_id, target FROM {SqliteSchema.UnchainedLogs} ORDER BY id";

    public static void Finish(SqliteSession session)
    {
        if (session.Scalar($"SELECT count(*) FROM sqlite_master WHERE name = '{SqliteSchema.UnchainedLogs}'") == 0)
        {
            return;
        }

        using (var old = session.Use(SelectOld))
        {
            while (old.Step())
            {
                session.Append(new NewAuditEntry(
                    old.Time(0),
                    old.Text(1),
                    old.Text(2),
                    old.Text(3),
                    old.Text(4),
                    old.TextOrNull(5),
                    old.TextOrNull(6)));
            }
        }

        session.Forget(SelectOld);
        session.Execute($"DROP TABLE {SqliteSchema.UnchainedLogs}");
    }
}
