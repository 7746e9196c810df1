using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Chains the entries of a store that was written before there were chains. Part of the migration's transaction.</summary>
internal static class SqliteLogChaining
{
    /// <summary>Made by the script that brought the chains.</summary>
    private const string IsThere = "SELECT count(*) FROM sqlite_master WHERE name = 'logs_unchained'";

    private const string SelectOld = "SELECT * FROM logs_unchained ORDER BY id";

    /// <summary>Of the columns that there were then; the issue is 0014_log_issue.sql's to fill.</summary>
    private const string Insert = """
        INSERT INTO logs (device_id, seq, time, actor, action, result, command_id, target, previous_hash, hash)
        VALUES (@DeviceId, @Sequence, @Time, @Actor, @Action, @Result, @CommandId, @Target, @PreviousHash, @Hash)
        """;

    public static void Finish(SqliteSession session)
    {
        if (session.Scalar<long>(IsThere) == 0)
        {
            return;
        }

        foreach (var entry in session.Stream<NewAuditEntry>(SelectOld))
        {
            session.Append(entry, Insert);
        }

        session.Execute("DROP TABLE logs_unchained");
    }
}
