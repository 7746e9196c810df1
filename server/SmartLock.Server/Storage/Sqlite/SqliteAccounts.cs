using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// What changes an account and all that hangs on it. The one writer runs one transaction after the other, so what is asked here is still so
/// when it is written: of two admins who disable each other, the second finds that they would be the last.
/// </summary>
internal static class SqliteAccounts
{
    /// <summary>A <see cref="User"/>; the condition is to be added.</summary>
    public const string SelectAll = """
        SELECT users.*, EXISTS (SELECT 1 FROM second_factors AS f WHERE f.name_key = users.name_key AND f.confirmed_at IS NOT NULL) AS has_second_factor
        FROM users
        """;

    private const string Select = $"{SelectAll} WHERE name_key = @nameKey";

    private const string HasAnotherAdmin =
        "SELECT EXISTS (SELECT 1 FROM users WHERE role = 'Admin' AND disabled = 0 AND name_key <> @nameKey)";

    private const string Update = "UPDATE users SET disabled = @Disabled, role = @Role WHERE name_key = @NameKey";

    private const string EndAllSessions = "DELETE FROM sessions WHERE name_key = @nameKey";

    private const string OwnsLocks = "SELECT EXISTS (SELECT 1 FROM locks WHERE owner = @Username)";

    private const string Retire =
        "INSERT INTO retired_accounts (name_hash, account_id, retired_at, binding) VALUES (@NameHash, @AccountId, @Now, @Binding)";

    private const string DeletedName = "'deleted:' || (SELECT substr(account_id, 1, 8) FROM users WHERE name_key = @NameKey)";

    /// <summary>The idempotency key goes, since it was the account's own word, and the eight digits are not promised to be unique.</summary>
    private const string ForgetAsker = $"UPDATE commands SET idempotency_key = NULL, requested_by = {DeletedName} WHERE requested_by = @Username";

    /// <summary>What other accounts' webhooks were told, or will be. Names need no escaping in JSON.</summary>
    private const string ForgetInDeliveries = $"""
        UPDATE webhook_deliveries SET body = CAST(replace(
            CAST(body AS TEXT), '"requested_by":"' || @Username || '"', '"requested_by":"' || {DeletedName} || '"') AS BLOB)
        WHERE instr(body, CAST('"requested_by":"' || @Username || '"' AS BLOB)) > 0
        """;

    private const string Delete = "DELETE FROM users WHERE name_key = @NameKey";

    public static User? FindUser(this SqliteSession session, string username) =>
        session.Find<User>(Select, new { nameKey = SqliteNames.KeyOf(username) });

    public static void EndSessions(this SqliteSession session, string username) =>
        session.Execute(EndAllSessions, new { nameKey = SqliteNames.KeyOf(username) });

    public static UpdateUserResult UpdateAccount(
        this SqliteSession session, string username, UserChange change, string actor, DateTimeOffset now)
    {
        var (result, entries, isWritten, endsSessions) = UserChangeRules.Update(
            session.FindUser(username), change, AnotherAdmin(session, username), actor, now);
        if (isWritten && result.User is { } after)
        {
            session.Execute(Update, new { NameKey = SqliteNames.KeyOf(username), after.Disabled, Role = after.Role.ToString() });
        }

        foreach (var entry in entries)
        {
            session.Append(entry);
        }

        if (endsSessions)
        {
            session.EndSessions(username);
        }

        return result;
    }

    /// <summary>The entry is written while the account is still there, since the log looks up its id.</summary>
    public static DeleteUserOutcome DeleteAccount(this SqliteSession session, string username, string actor, DateTimeOffset now)
    {
        var user = session.FindUser(username);
        var deletion = UserChangeRules.Delete(
            user, AnotherAdmin(session, username), user is not null && session.Scalar<bool>(OwnsLocks, user), actor, now);
        session.AppendIfAny(deletion.Entry);
        if (deletion.Outcome is DeleteUserOutcome.Deleted)
        {
            var nameKey = SqliteNames.KeyOf(username);
            var bound = SqliteLogNames.FindByKey(session, nameKey)!;
            var retired = session.Chain.Retire(bound, session.Chain.NameHashOf(nameKey));
            var account = new { NameKey = nameKey, retired.NameHash, AccountId = retired.Id, user!.Username, Now = now, retired.Binding };
            session.Execute(Retire, account);
            session.Execute(ForgetAsker, account);
            session.Execute(ForgetInDeliveries, account);
            session.Execute(Delete, account);
            session.MustErase = true;
        }

        return deletion.Outcome;
    }

    private static bool AnotherAdmin(SqliteSession session, string username) =>
        session.Scalar<bool>(HasAnotherAdmin, new { nameKey = SqliteNames.KeyOf(username) });
}
