using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteSecondFactorStore(SqliteDatabase database) : ISecondFactorStore
{
    private const string Select = "SELECT protected_secret, confirmed_at IS NOT NULL FROM second_factors WHERE name_key = ?1";

    private const string Begin = """
        INSERT INTO second_factors (name_key, protected_secret) SELECT name_key, ?2 FROM users WHERE name_key = ?1
        ON CONFLICT (name_key) DO UPDATE SET protected_secret = ?2 WHERE confirmed_at IS NULL
        """;

    private const string Confirm = """
        UPDATE second_factors SET confirmed_at = ?3, last_step = ?4
        WHERE name_key = ?1 AND confirmed_at IS NULL AND protected_secret = ?2
        """;

    private const string UseStep = """
        UPDATE second_factors SET last_step = ?2 WHERE name_key = ?1 AND confirmed_at IS NOT NULL AND last_step < ?2
        """;

    private const string InsertCode = "INSERT INTO recovery_codes (name_key, hash) VALUES (?1, ?2)";

    private const string UseRecoveryCode = "DELETE FROM recovery_codes WHERE name_key = ?1 AND hash = ?2";

    private const string DeleteCodes = "DELETE FROM recovery_codes WHERE name_key = ?1";

    private const string Delete = "DELETE FROM second_factors WHERE name_key = ?1 RETURNING confirmed_at IS NOT NULL";

    public Task<SecondFactor?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(session => Find(session, SqliteNames.KeyOf(username)), ct).AsTask();

    public Task<BeginSecondFactorOutcome> BeginAsync(string username, byte[] protectedSecret, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var nameKey = SqliteNames.KeyOf(username);
                using var begin = session.Use(Begin);
                if (begin.Bind(1, nameKey).Bind(2, protectedSecret).Run() == 1)
                {
                    return BeginSecondFactorOutcome.Pending;
                }

                return Find(session, nameKey) is null ? BeginSecondFactorOutcome.NoAccount : BeginSecondFactorOutcome.AlreadyEnabled;
            },
            ct);

    public Task<ConfirmSecondFactorOutcome> ConfirmAsync(
        string username, byte[] pending, long step, IReadOnlyList<byte[]> recoveryHashes, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var nameKey = SqliteNames.KeyOf(username);
                using var confirm = session.Use(Confirm);
                if (confirm.Bind(1, nameKey).Bind(2, pending).Bind(3, now).Bind(4, step).Run() == 0)
                {
                    return ConfirmSecondFactorOutcome.NotPending;
                }

                InsertCodes(session, nameKey, recoveryHashes);
                session.AppendAccount(username, AuditActions.SecondFactorEnable, AuditResults.AccountDone, now);
                return ConfirmSecondFactorOutcome.Enabled;
            },
            ct);

    public Task<UseCodeOutcome> UseStepAsync(string username, long step, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var use = session.Use(UseStep);
                var written = use.Bind(1, SqliteNames.KeyOf(username)).Bind(2, step).Run();
                return written == 1 ? UseCodeOutcome.Accepted : UseCodeOutcome.Replayed;
            },
            ct);

    public Task<UseRecoveryCodeOutcome> UseRecoveryCodeAsync(string username, byte[] hash, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var use = session.Use(UseRecoveryCode);
                var used = use.Bind(1, SqliteNames.KeyOf(username)).Bind(2, hash).Run();
                return used == 1 ? UseRecoveryCodeOutcome.Accepted : UseRecoveryCodeOutcome.Unknown;
            },
            ct);

    public Task<SecondFactorOutcome> ReplaceRecoveryCodesAsync(
        string username, IReadOnlyList<byte[]> hashes, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var nameKey = SqliteNames.KeyOf(username);
                if (Find(session, nameKey) is not { IsConfirmed: true })
                {
                    return SecondFactorOutcome.NotEnabled;
                }

                using var delete = session.Use(DeleteCodes);
                delete.Bind(1, nameKey).Run();
                InsertCodes(session, nameKey, hashes);
                session.AppendAccount(username, AuditActions.SecondFactorCodes, AuditResults.AccountDone, now);
                return SecondFactorOutcome.Done;
            },
            ct);

    public Task<SecondFactorOutcome> RemoveAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var delete = session.Use(Delete);
                if (!delete.Bind(1, SqliteNames.KeyOf(username)).Step() || !delete.Bool(0))
                {
                    return SecondFactorOutcome.NotEnabled;
                }

                var user = SqliteUserStore.Find(session, username)!;
                session.AppendAccount(actor, AuditActions.SecondFactorDisable, AuditResults.AccountDone, now, user.Username);
                return SecondFactorOutcome.Done;
            },
            ct);

    private static SecondFactor? Find(SqliteSession session, string nameKey)
    {
        using var query = session.Use(Select);
        return query.Bind(1, nameKey).Step() ? new SecondFactor(query.Blob(0), query.Bool(1)) : null;
    }

    private static void InsertCodes(SqliteSession session, string nameKey, IReadOnlyList<byte[]> hashes)
    {
        using var insert = session.Use(InsertCode);
        foreach (var hash in hashes)
        {
            insert.Bind(1, nameKey).Bind(2, hash).Run();
        }
    }
}
