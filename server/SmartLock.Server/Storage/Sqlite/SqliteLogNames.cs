using System.Security.Cryptography;
using System.Text;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// Names in the log are stored as account ids: an account that is deleted takes its name along, and no entry has to be rewritten, which
/// its hash would not allow.
/// </summary>
internal static class SqliteLogNames
{
    private const string Prefix = "user:";

    /// <summary>No name is in both tables: a deleted account's is never given away again.</summary>
    private const string SelectId = """
        SELECT account_id FROM users WHERE name_key = @NameKey UNION ALL SELECT account_id FROM retired_accounts WHERE name_hash = @NameHash
        """;

    private const string SelectName = "SELECT username FROM users WHERE account_id = @id";

    /// <summary>What a retired account's name is kept as: enough to know it again, and never to give it to anybody else.</summary>
    public static string HashOf(string nameKey) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(nameKey)));

    /// <summary>Devices, the system, and names that no account has (an imported entry's) are stored as they are.</summary>
    public static string ToStored(SqliteSession session, string name)
    {
        if (name == AuditActors.System || name.Contains(':', StringComparison.Ordinal))
        {
            return name;
        }

        var nameKey = SqliteNames.KeyOf(name);
        using var found = session.Prepare(SelectId).Set("@NameKey", nameKey).Set("@NameHash", HashOf(nameKey)).Read();
        return found.Read() ? Prefix + found.GetString(found.GetOrdinal("account_id")) : name;
    }

    public static string ToShown(SqliteSession session, string stored)
    {
        if (!stored.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return stored;
        }

        var id = stored[Prefix.Length..];
        return session.Find<string>(SelectName, new { id }) ?? AuditActors.Deleted(id);
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
}
