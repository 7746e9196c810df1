using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteSecondFactorStore(SqliteDatabase database) : ISecondFactorStore
{
    private const string Select = "SELECT *, confirmed_at IS NOT NULL AS is_confirmed FROM second_factors WHERE name_key = @nameKey";

    private const string HasAccount = "SELECT EXISTS (SELECT 1 FROM users WHERE name_key = @nameKey)";

    private const string Put = """
        INSERT INTO second_factors (name_key, protected_secret) VALUES (@nameKey, @protectedSecret)
        ON CONFLICT (name_key) DO UPDATE SET protected_secret = excluded.protected_secret
        """;

    private const string Confirm = "UPDATE second_factors SET confirmed_at = @now, last_step = @step WHERE name_key = @nameKey";

    private const string UseStep = """
        UPDATE second_factors SET last_step = @step WHERE name_key = @nameKey AND confirmed_at IS NOT NULL
        AND (last_step < @step OR last_step > @farthest)
        """;

    private const string InsertCode = "INSERT INTO recovery_codes (name_key, hash) VALUES (@nameKey, @hash)";

    private const string UseRecoveryCode = "DELETE FROM recovery_codes WHERE name_key = @nameKey AND hash = @hash";

    private const string DeleteCodes = "DELETE FROM recovery_codes WHERE name_key = @nameKey";

    private const string Delete = "DELETE FROM second_factors WHERE name_key = @nameKey";

    public Task<SecondFactor?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(session => Find(session, SqliteNames.KeyOf(username)), ct).AsTask();

    public Task<BeginSecondFactorOutcome> BeginAsync(string username, byte[] protectedSecret, CancellationToken ct) =>
        WriteAsync(
            username,
            (session, nameKey) =>
            {
                var outcome = SecondFactorRules.Begin(
                    session.Scalar<bool>(HasAccount, new { nameKey }), Find(session, nameKey) is { IsConfirmed: true });
                if (outcome is BeginSecondFactorOutcome.Pending)
                {
                    session.Execute(Put, new { nameKey, protectedSecret });
                }

                return outcome;
            },
            ct);

    public Task<ConfirmSecondFactorOutcome> ConfirmAsync(
        string username, byte[] pending, long step, IReadOnlyList<byte[]> recoveryHashes, DateTimeOffset now, CancellationToken ct) =>
        WriteAsync(
            username,
            (session, nameKey) =>
            {
                var outcome = SecondFactorRules.Confirm(Find(session, nameKey), pending);
                if (outcome is ConfirmSecondFactorOutcome.Enabled)
                {
                    session.Execute(Confirm, new { nameKey, now, step });
                    InsertCodes(session, nameKey, recoveryHashes);
                    session.Append(SecondFactorRules.Enabled(username, now));
                }

                return outcome;
            },
            ct);

    public Task<UseCodeOutcome> UseStepAsync(string username, long step, CancellationToken ct) =>
        WriteAsync(
            username,
            (session, nameKey) => session.Execute(UseStep, new { nameKey, step, farthest = step + Totp.FarthestStep }) == 1 ? UseCodeOutcome.Accepted : UseCodeOutcome.Replayed,
            ct);

    public Task<UseRecoveryCodeOutcome> UseRecoveryCodeAsync(string username, byte[] hash, CancellationToken ct) =>
        WriteAsync(
            username,
            (session, nameKey) => session.Execute(UseRecoveryCode, new { nameKey, hash }) == 1
                ? UseRecoveryCodeOutcome.Accepted
                : UseRecoveryCodeOutcome.Unknown,
            ct);

    public Task<SecondFactorOutcome> ReplaceRecoveryCodesAsync(
        string username, IReadOnlyList<byte[]> hashes, DateTimeOffset now, CancellationToken ct) =>
        WriteAsync(
            username,
            (session, nameKey) =>
            {
                var outcome = SecondFactorRules.Change(Find(session, nameKey));
                if (outcome is SecondFactorOutcome.Done)
                {
                    session.Execute(DeleteCodes, new { nameKey });
                    InsertCodes(session, nameKey, hashes);
                    session.Append(SecondFactorRules.CodesReplaced(username, now));
                }

                return outcome;
            },
            ct);

    public Task<SecondFactorOutcome> RemoveAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        WriteAsync(
            username,
            (session, nameKey) =>
            {
                var outcome = SecondFactorRules.Change(Find(session, nameKey));
                session.Execute(Delete, new { nameKey });
                if (outcome is SecondFactorOutcome.Done)
                {
                    session.Append(SecondFactorRules.Removed(session.FindUser(username)!.Username, actor, now));
                }

                return outcome;
            },
            ct);

    private Task<T> WriteAsync<T>(string username, Func<SqliteSession, string, T> work, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => work(session, SqliteNames.KeyOf(username)), ct);

    private static SecondFactor? Find(SqliteSession session, string nameKey) => session.Find<SecondFactor>(Select, new { nameKey });

    private static void InsertCodes(SqliteSession session, string nameKey, IReadOnlyList<byte[]> hashes) =>
        session.Execute(InsertCode, hashes.Select(hash => new { nameKey, hash }));
}
