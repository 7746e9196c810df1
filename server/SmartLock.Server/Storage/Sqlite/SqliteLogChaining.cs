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

    /// <summary>Of the version that brought the chains; what accounts are bound by comes with a later script.</summary>
    private const string SelectId = """
        SELECT account_id FROM users WHERE name_key = @nameKey UNION ALL SELECT account_id FROM retired_accounts WHERE name_hash = @nameHash
        """;

    public static void Finish(SqliteSession session)
    {
        if (session.Scalar<long>(IsThere) == 0)
        {
            return;
        }

        foreach (var entry in session.Stream<NewAuditEntry>(SelectOld))
        {
            session.Append(entry, ToStored, Insert);
        }

        session.Execute("DROP TABLE logs_unchained");
    }

    private static string ToStored(SqliteSession session, string name)
    {
        var nameKey = SqliteNames.KeyOf(name);
        return LogNames.IsOfAccount(name)
            && session.Scalar<string>(SelectId, new { nameKey, nameHash = AuditChain.PlainNameHashOf(nameKey) }) is { } id
                ? LogNames.Stored(id)
                : name;
    }
}
