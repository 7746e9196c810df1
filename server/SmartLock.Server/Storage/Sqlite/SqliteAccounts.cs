using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// What changes an account and all that hangs on it. The one writer runs one transaction after the other, so what is asked here is still so
/// when it is written: of two admins who disable each other, the second finds that they would be the last.
/// </summary>
internal static class SqliteAccounts
{
    private const string SelectOtherAdmin =
        "SELECT 1 FROM users WHERE role = 'Admin' AND disabled = 0 AND name_key <> ?1 LIMIT 1";

    private const string ChangeHash = """
        UPDATE users SET password_hash = ?3, password_version = password_version + 1
        WHERE name_key = ?1 AND password_version = ?2 AND disabled = 0
        """;

    private const string Update = "UPDATE users SET disabled = ?2, role = ?3 WHERE name_key = ?1";

    private const string EndSessions = "DELETE FROM sessions WHERE name_key = ?1";

    private const string SelectLock = "SELECT 1 FROM locks WHERE owner = ?1 LIMIT 1";

    private const string Retire = """
        INSERT INTO retired_accounts (name_hash, account_id, retired_at) SELECT ?2, account_id, ?3 FROM users WHERE name_key = ?1
        """;

    /// <summary>The idempotency key goes, since it was the account's own word, and the eight digits are not promised to be unique.</summary>
    private const string ForgetAsker = """
        UPDATE commands SET idempotency_key = NULL,
        requested_by = 'deleted:' || (SELECT substr(account_id, 1, 8) FROM users WHERE name_key = ?1) WHERE requested_by = ?2
        """;

    /// <summary>What other accounts' webhooks were told, or will be. Names need no escaping in JSON.</summary>
    private const string ForgetInDeliveries = """
        UPDATE webhook_deliveries SET body = CAST(replace(CAST(body AS TEXT), '"requested_by":"' || ?2 || '"', '"requested_by":"deleted:'
        || (SELECT substr(account_id, 1, 8) FROM users WHERE name_key = ?1) || '"') AS BLOB)
        WHERE instr(body, CAST('"requested_by":"' || ?2 || '"' AS BLOB)) > 0
        """;

    private const string Delete = "DELETE FROM users WHERE name_key = ?1";

    public static string WordFor(Role role) => role switch
    {
        Role.Admin => "admin",
        Role.User => "user",
    };

    public static ChangePasswordOutcome ChangePassword(this SqliteSession session, User user, string newHash, DateTimeOffset now)
    {
        var nameKey = SqliteNames.KeyOf(user.Username);
        using var change = session.Use(ChangeHash);
        if (change.Bind(1, nameKey).Bind(2, user.PasswordVersion).Bind(3, newHash).Run() == 0)
        {
            return ChangePasswordOutcome.Stale;
        }

        RunOn(session, EndSessions, nameKey);
        session.AppendAccount(user.Username, AuditActions.AccountPassword, AuditResults.AccountDone, now);
        return ChangePasswordOutcome.Changed;
    }

    public static UpdateUserResult UpdateAccount(
        this SqliteSession session, string username, UserChange change, string actor, DateTimeOffset now)
    {
        if (SqliteUserStore.Find(session, username) is not { } before)
        {
            return new UpdateUserResult(UpdateUserOutcome.NotFound);
        }

        var after = before with { Disabled = change.Disabled ?? before.Disabled, Role = change.Role ?? before.Role };
        var action = after.Disabled ? AuditActions.AccountDisable : AuditActions.AccountEnable;
        if (!IsEnabledAdmin(after) && IsLastAdmin(session, before))
        {
            var refused = after.Role != before.Role ? AuditActions.AccountRole : action;
            session.AppendAccount(actor, refused, AuditResults.LastAdmin, now, before.Username);
            return new UpdateUserResult(UpdateUserOutcome.LastAdmin, before);
        }

        using var update = session.Use(Update);
        update.Bind(1, SqliteNames.KeyOf(username)).Bind(2, after.Disabled).Bind(3, after.Role.ToString()).Run();
        if (after.Role != before.Role)
        {
            session.AppendAccount(actor, AuditActions.AccountRole, WordFor(after.Role), now, before.Username);
        }

        if (after.Disabled != before.Disabled)
        {
            session.AppendAccount(actor, action, AuditResults.AccountDone, now, before.Username);
        }

        if (after.Disabled)
        {
            RunOn(session, EndSessions, SqliteNames.KeyOf(username));
        }

        return new UpdateUserResult(UpdateUserOutcome.Updated, after);
    }

    /// <summary>The entry is written while the account is still there, since the log looks up its id.</summary>
    public static DeleteUserOutcome DeleteAccount(this SqliteSession session, string username, string actor, DateTimeOffset now)
    {
        if (SqliteUserStore.Find(session, username) is not { } user)
        {
            return DeleteUserOutcome.NotFound;
        }

        if (IsLastAdmin(session, user))
        {
            return Refuse(DeleteUserOutcome.LastAdmin, AuditResults.LastAdmin);
        }

        if (OwnsLock(session, user))
        {
            return Refuse(DeleteUserOutcome.OwnsLocks, AuditResults.OwnsLocks);
        }

        session.AppendAccount(actor, AuditActions.AccountDelete, AuditResults.AccountDone, now, user.Username);
        var nameKey = SqliteNames.KeyOf(username);
        using var retire = session.Use(Retire);
        retire.Bind(1, nameKey).Bind(2, SqliteLogNames.HashOf(nameKey)).Bind(3, now).Run();
        foreach (var sql in new[] { ForgetAsker, ForgetInDeliveries })
        {
            using var forget = session.Use(sql);
            forget.Bind(1, nameKey).Bind(2, user.Username).Run();
        }

        RunOn(session, Delete, nameKey);
        session.MustErase = true;
        return DeleteUserOutcome.Deleted;

        DeleteUserOutcome Refuse(DeleteUserOutcome outcome, string result)
        {
            session.AppendAccount(actor, AuditActions.AccountDelete, result, now, user.Username);
            return outcome;
        }
    }

    private static bool IsEnabledAdmin(User user) => user is { Role: Role.Admin, Disabled: false };

    private static bool IsLastAdmin(SqliteSession session, User user)
    {
        if (!IsEnabledAdmin(user))
        {
            return false;
        }

        using var other = session.Use(SelectOtherAdmin);
        return !other.Bind(1, SqliteNames.KeyOf(user.Username)).Step();
    }

    private static bool OwnsLock(SqliteSession session, User user)
    {
        using var query = session.Use(SelectLock);
        return query.Bind(1, user.Username).Step();
    }

    private static void RunOn(SqliteSession session, string sql, string nameKey)
    {
        using var statement = session.Use(sql);
        statement.Bind(1, nameKey).Run();
    }
}
