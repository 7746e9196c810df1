using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Binds the accounts of a store that was written before ids were bound to names. Part of the migration's transaction.</summary>
internal static class SqliteBinding
{
    /// <summary>Made by the script that brought the bindings.</summary>
    private const string IsThere = "SELECT count(*) FROM sqlite_master WHERE name = 'accounts_unbound'";

    private const string HasBindings = "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'binding'";

    private const string HasChains = "SELECT count(*) FROM sqlite_master WHERE name = 'log_heads'";

    private const string SelectHead = "SELECT seq AS sequence, hash, seal FROM log_heads WHERE device_id = @Accounts";

    private const string Reseal = "UPDATE log_heads SET seal = @seal WHERE device_id = @Accounts";

    private const string BindUser = "UPDATE users SET binding = @binding WHERE account_id = @Id";

    private const string BindRetired = "UPDATE retired_accounts SET name_hash = @NameHash, binding = @Binding WHERE account_id = @Id";

    private static readonly object OfAccounts = new { AuditSubjects.Accounts };

    /// <summary>
    /// Accounts are bound once. A store without bindings whose log was written with them was changed by somebody, who would have them bound as they are now.
    /// </summary>
    /// <exception cref="StartupException">It is such a store.</exception>
    public static void RefuseUndone(SqliteSession session, string path)
    {
        if (session.Scalar<long>(HasChains) == 1
            && session.Scalar<long>(HasBindings) == 0
            && Head(session) is { } head
            && session.Chain.IsSealed(AuditSubjects.Accounts, head))
        {
            throw new StartupException(
                $"The store {path} was changed to look like one of an older version, whose accounts are not bound to their names: restore a backup.");
        }
    }

    public static void Finish(SqliteSession session)
    {
        if (session.Scalar<long>(IsThere) == 0)
        {
            return;
        }

        if (Head(session) is { } head && session.Chain.IsSealedAsBefore(AuditSubjects.Accounts, head))
        {
            session.Execute(Reseal, new { seal = session.Chain.SealOf(AuditSubjects.Accounts, head.Sequence, head.Hash), AuditSubjects.Accounts });
        }

        var accounts = SqliteLogNames.ReadAccounts(session, "", int.MaxValue);
        foreach (var account in accounts)
        {
            if (account is { NameKey: { } nameKey, Username: { } username })
            {
                session.Execute(BindUser, new { binding = session.Chain.BindingOf(account.Id, nameKey, username), account.Id });
            }
            else
            {
                var nameHash = session.Chain.KeyedNameHash(account.NameHash!);
                session.Execute(BindRetired, new { NameHash = nameHash, Binding = session.Chain.RetiredBindingOf(account.Id, nameHash), account.Id });
            }
        }

        session.Execute("DROP TABLE accounts_unbound");
        if (accounts.Count > 0)
        {
            // The system's time: the store is opened before anything asks what time it is.
            session.Append(new NewAuditEntry(
                TimeProvider.System.GetUtcNow(), AuditSubjects.Accounts, AuditActors.System, AuditActions.AccountsBound, AuditResults.AccountDone));
        }
    }

    private static ChainHead? Head(SqliteSession session) => session.Find<ChainHead>(SelectHead, OfAccounts);
}
