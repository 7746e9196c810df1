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
    private const string SelectId = "SELECT account_id FROM users WHERE name_key = ?1";
    private const string SelectRetired = "SELECT account_id FROM retired_accounts WHERE name_hash = ?1";
    private const string SelectName = "SELECT username FROM users WHERE account_id = ?1";

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
        var id = FindId(session, SelectId, nameKey) ?? FindId(session, SelectRetired, HashOf(nameKey));
        return id is null ? name : Prefix + id;
    }

    public static string ToShown(SqliteSession session, string stored)
    {
        if (!stored.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return stored;
        }

        var id = stored[Prefix.Length..];
        return FindId(session, SelectName, id) ?? AuditActors.Deleted(id);
    }

    private static string? FindId(SqliteSession session, string select, string key)
    {
        using var query = session.Use(select);
        return query.Bind(1, key).Step() ? query.Text(0) : null;
    }
}
