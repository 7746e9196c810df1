using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Chains the entries of a store that was written before there were chains. Part of the migration's transaction.</summary>
internal static class SqliteLogChaining
{
    /// <summary>Made by the script that brought the chains.</summary>
    private const string IsThere = "SELECT count(*) FROM sqlite_master WHERE name = 'logs_unchained'";

    /// <summary>The issue as 0014_log_issue.sql takes it from the result.</summary>
    private const string SelectOld = """
        SELECT *, CASE WHEN action = 'lock.state' AND result LIKE 'unavailable: %' THEN substr(result, length('unavailable: ') + 1) END AS issue
        FROM logs_unchained ORDER BY id
        """;

    public static void Finish(SqliteSession session)
    {
        if (session.Scalar<long>(IsThere) == 0)
        {
            return;
        }

        foreach (var entry in session.Stream<NewAuditEntry>(SelectOld))
        {
            session.Append(entry);
        }

        session.Execute("DROP TABLE logs_unchained");
    }
}
