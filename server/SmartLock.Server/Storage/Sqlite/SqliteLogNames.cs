using Microsoft.Data.Sqlite;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// Names in the log are stored as account ids: an account that is deleted takes its name along, and no entry has to be rewritten, which
/// its hash would not allow. That an id is the account's is proven by its binding, both when it is written and when it is read.
/// </summary>
internal static class SqliteLogNames
{
    private const string SelectAccount = "SELECT account_id, name_key, username, NULL AS name_hash, binding FROM users WHERE name_key = @NameKey";

    /// <summary>No name is in both tables: a deleted account's is never given away again.</summary>
    private const string SelectRetired = "SELECT account_id, NULL AS name_key, NULL AS username, name_hash, binding FROM retired_accounts WHERE name_hash = @NameHash";

    private const string SelectAll = """
        SELECT account_id, name_key, username, NULL AS name_hash, binding FROM users
        UNION ALL SELECT account_id, NULL, NULL, name_hash, binding FROM retired_accounts
        """;

    private const string SelectById = $"SELECT * FROM ({SelectAll}) WHERE account_id = @Id";

    private const string SelectPage = $"SELECT * FROM ({SelectAll}) WHERE account_id > @After ORDER BY account_id LIMIT @Limit";

    /// <inheritdoc cref="LogNames.IsOfAccount"/>
    public static string ToStored(SqliteSession session, string name)
    {
        if (!LogNames.IsOfAccount(name))
        {
            return name;
        }

        var nameKey = SqliteNames.KeyOf(name);
        if (FindByKey(session, nameKey) is not { } account)
        {
            return name;
        }

        return session.Chain.IsBound(account) ? LogNames.Stored(account.Id) : LogNames.StoredAltered(session.Chain.NameHashOf(nameKey));
    }

    public static string ToShown(SqliteSession session, string stored)
    {
        if (LogNames.AlteredOf(stored) is { } nameHash)
        {
            return AuditActors.Altered(nameHash);
        }

        if (LogNames.AccountIdOf(stored) is not { } id)
        {
            return stored;
        }

        var account = FindOne(session.Prepare(SelectById).Set("@Id", id));
        if (account is not null && !session.Chain.IsBound(account))
        {
            return AuditActors.Altered(id);
        }

        return account?.Username ?? AuditActors.Deleted(id);
    }

    /// <summary>With names in place of account ids.</summary>
    public static AuditEntry ToShown(SqliteSession session, ChainedEntry entry) => new(
        entry.Id,
        DateTimeOffset.FromUnixTimeMilliseconds(entry.Time),
        entry.DeviceId,
        ToShown(session, entry.Actor),
        entry.Action,
        entry.Result,
        entry.CommandId,
        entry.Target is null ? null : ToShown(session, entry.Target),
        entry.Sequence,
        entry.PreviousHash,
        entry.Hash,
        entry.Issue);

    public static IReadOnlyList<AccountBinding> ReadAccounts(SqliteSession session, string after, int limit)
    {
        var found = new List<AccountBinding>();
        using var rows = session.Prepare(SelectPage).Set("@After", after).Set("@Limit", limit).Read();
        while (rows.Read())
        {
            found.Add(Read(rows));
        }

        return found;
    }

    public static AccountBinding? FindByKey(SqliteSession session, string nameKey) =>
        FindOne(session.Prepare(SelectAccount).Set("@NameKey", nameKey))
        ?? FindOne(session.Prepare(SelectRetired).Set("@NameHash", session.Chain.NameHashOf(nameKey)));

    private static AccountBinding? FindOne(SqlitePrepared select)
    {
        using var rows = select.Read();
        return rows.Read() ? Read(rows) : null;
    }

    private static AccountBinding Read(SqliteDataReader row)
    {
        var binding = row.GetOrdinal("binding");
        return new AccountBinding(
            row.GetString(row.GetOrdinal("account_id")),
            Text("name_key"),
            Text("username"),
            Text("name_hash"),
            row.IsDBNull(binding) ? null : row.GetFieldValue<byte[]>(binding));

        string? Text(string column) => row.GetOrdinal(column) is var at && row.IsDBNull(at) ? null : row.GetString(at);
    }
}
