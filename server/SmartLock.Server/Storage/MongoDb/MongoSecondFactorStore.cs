using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoSecondFactorStore(MongoDatabase database, MongoUsers users) : ISecondFactorStore
{
    private static readonly FilterDefinitionBuilder<UserDocument> Where = Builders<UserDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<UserDocument> Change = Builders<UserDocument>.Update;
    private static readonly FilterDefinition<UserDocument> IsConfirmed = Where.Exists(u => u.SecondFactor!.ConfirmedAt);

    public async Task<SecondFactor?> FindAsync(string username, CancellationToken ct) =>
        SecondFactorPart.ToSecondFactor((await users.FindAsync(username, ct))?.SecondFactor);

    public async Task<BeginSecondFactorOutcome> BeginAsync(string username, byte[] protectedSecret, CancellationToken ct)
    {
        var begin = Change.Set(u => u.SecondFactor, new SecondFactorPart { Secret = protectedSecret });
        return await TryUpdateAsync(username, Where.Not(IsConfirmed), begin, ct)
            ? BeginSecondFactorOutcome.Pending
            : SecondFactorRules.Begin(hasAccount: await users.FindAsync(username, ct) is not null, isConfirmed: true);
    }

    public Task<ConfirmSecondFactorOutcome> ConfirmAsync(
        string username, byte[] pending, long step, IReadOnlyList<byte[]> recoveryHashes, DateTimeOffset now, CancellationToken ct) =>
        TransactAsync(
            username,
            async (transaction, user, factor) =>
            {
                var outcome = SecondFactorRules.Confirm(factor, pending);
                if (outcome is ConfirmSecondFactorOutcome.Enabled)
                {
                    var confirmed = user!.SecondFactor! with { ConfirmedAt = now, LastStep = step, Recovery = recoveryHashes };
                    await UpdateAsync(transaction, user, Change.Set(u => u.SecondFactor, confirmed));
                    await transaction.AppendAsync(SecondFactorRules.Enabled(user.Username, now), null);
                }

                return outcome;
            },
            ct);

    public async Task<UseCodeOutcome> UseStepAsync(string username, long step, CancellationToken ct)
    {
        var isNew = IsConfirmed & (Where.Lt(u => u.SecondFactor!.LastStep, step) | Where.Gt(u => u.SecondFactor!.LastStep, step + Totp.FarthestStep));
        return await TryUpdateAsync(username, isNew, Change.Set(u => u.SecondFactor!.LastStep, step), ct)
            ? UseCodeOutcome.Accepted
            : UseCodeOutcome.Replayed;
    }

    public async Task<UseRecoveryCodeOutcome> UseRecoveryCodeAsync(string username, byte[] hash, CancellationToken ct)
    {
        var isUnused = IsConfirmed & Where.AnyEq(u => u.SecondFactor!.Recovery, hash);
        return await TryUpdateAsync(username, isUnused, Change.Pull(u => u.SecondFactor!.Recovery, hash), ct)
            ? UseRecoveryCodeOutcome.Accepted
            : UseRecoveryCodeOutcome.Unknown;
    }

    public Task<SecondFactorOutcome> ReplaceRecoveryCodesAsync(
        string username, IReadOnlyList<byte[]> hashes, DateTimeOffset now, CancellationToken ct) =>
        TransactAsync(
            username,
            async (transaction, user, factor) =>
            {
                var outcome = SecondFactorRules.Change(factor);
                if (outcome is SecondFactorOutcome.Done)
                {
                    await UpdateAsync(transaction, user!, Change.Set(u => u.SecondFactor!.Recovery, hashes));
                    await transaction.AppendAsync(SecondFactorRules.CodesReplaced(user!.Username, now), null);
                }

                return outcome;
            },
            ct);

    public Task<SecondFactorOutcome> RemoveAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        TransactAsync(
            username,
            async (transaction, user, factor) =>
            {
                var outcome = SecondFactorRules.Change(factor);
                if (factor is not null)
                {
                    await UpdateAsync(transaction, user!, Change.Unset(u => u.SecondFactor));
                }

                if (outcome is SecondFactorOutcome.Done)
                {
                    await transaction.AppendAsync(SecondFactorRules.Removed(user!.Username, actor, now), null);
                }

                return outcome;
            },
            ct);

    /// <summary>With the account, locked, and its second factor, if there are any.</summary>
    private Task<T> TransactAsync<T>(string username, Func<MongoTransaction, UserDocument?, SecondFactor?, Task<T>> work, CancellationToken ct) =>
        database.TransactAsync(
            AuditSubjects.Accounts,
            async transaction =>
            {
                var user = await users.TakeAsync(transaction, username);
                return await work(transaction, user, SecondFactorPart.ToSecondFactor(user?.SecondFactor));
            },
            ct);

    private Task<UpdateResult> UpdateAsync(MongoTransaction transaction, UserDocument user, UpdateDefinition<UserDocument> update) =>
        users.Documents.UpdateOneAsync(transaction.Session, Where.Eq(u => u.Id, user.Id), update, null, transaction.Ct);

    /// <summary>One write, which is guarded. False when no such account is so.</summary>
    private Task<bool> TryUpdateAsync(
        string username, FilterDefinition<UserDocument> guard, UpdateDefinition<UserDocument> update, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var updated = await users.Documents.UpdateOneAsync(MongoUsers.Named(username) & guard, update, null, token);
            return updated.MatchedCount == 1;
        },
        ct);
}
