using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// A second factor is part of its account's document, so that a sign-in under way is decided against it in one write, and a deleted account
/// takes it along.
/// </summary>
internal sealed class MongoSecondFactorStore(MongoDatabase database, MongoUsers users, MongoLog log) : ISecondFactorStore
{
    private const string Factor = "second_factor";
    private const string Secret = $"{Factor}.secret";
    private const string ConfirmedAt = $"{Factor}.confirmed_at";
    private const string LastStep = $"{Factor}.last_step";
    private const string Recovery = $"{Factor}.recovery";

    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;
    private static readonly FilterDefinition<BsonDocument> IsConfirmed = Where.Exists(ConfirmedAt);
    private static readonly FilterDefinition<BsonDocument> IsUnconfirmed = Where.Exists(ConfirmedAt, false);

    public Task<SecondFactor?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var user = await users.Documents.Find(MongoUsers.Named(username) & Where.Exists(Factor))
                    .Project(Builders<BsonDocument>.Projection.Include(Secret).Include(ConfirmedAt))
                    .FirstOrDefaultAsync(token);
                var factor = user?[Factor].AsBsonDocument;
                return factor is null ? null : new SecondFactor(factor["secret"].AsByteArray, factor.Contains("confirmed_at"));
            },
            ct);

    public Task<BeginSecondFactorOutcome> BeginAsync(string username, byte[] protectedSecret, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var begin = Change.Set(Factor, new BsonDocument { { "secret", protectedSecret }, { "last_step", 0L } });
                if (await UpdateAsync(username, IsUnconfirmed, begin, token))
                {
                    return BeginSecondFactorOutcome.Pending;
                }

                return await users.FindAsync(MongoUsers.Named(username), token) is null
                    ? BeginSecondFactorOutcome.NoAccount
                    : BeginSecondFactorOutcome.AlreadyEnabled;
            },
            ct);

    public Task<ConfirmSecondFactorOutcome> ConfirmAsync(
        string username, byte[] pending, long step, IReadOnlyList<byte[]> recoveryHashes, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var confirm = Change.Combine(
                    Change.Set(ConfirmedAt, now.ToUnixTimeMilliseconds()), Change.Set(LastStep, step), Change.Set(Recovery, new BsonArray(recoveryHashes)));
                var entry = Own(username, AuditActions.SecondFactorEnable, now);
                return await ChangeAsync(username, IsUnconfirmed & Where.Eq(Secret, pending), confirm, entry, token)
                    ? ConfirmSecondFactorOutcome.Enabled
                    : ConfirmSecondFactorOutcome.NotPending;
            },
            ct);

    public Task<UseCodeOutcome> UseStepAsync(string username, long step, CancellationToken ct) =>
        database.ReadAsync(
            async token => await UpdateAsync(username, IsConfirmed & Where.Lt(LastStep, step), Change.Set(LastStep, step), token)
                ? UseCodeOutcome.Accepted
                : UseCodeOutcome.Replayed,
            ct);

    public Task<UseRecoveryCodeOutcome> UseRecoveryCodeAsync(string username, byte[] hash, CancellationToken ct) =>
        database.ReadAsync(
            async token => await UpdateAsync(username, IsConfirmed & Where.Eq(Recovery, hash), Change.Pull(Recovery, hash), token)
                ? UseRecoveryCodeOutcome.Accepted
                : UseRecoveryCodeOutcome.Unknown,
            ct);

    public Task<SecondFactorOutcome> ReplaceRecoveryCodesAsync(
        string username, IReadOnlyList<byte[]> hashes, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var entry = Own(username, AuditActions.SecondFactorCodes, now);
                return await ChangeAsync(username, IsConfirmed, Change.Set(Recovery, new BsonArray(hashes)), entry, token)
                    ? SecondFactorOutcome.Done
                    : SecondFactorOutcome.NotEnabled;
            },
            ct);

    public Task<SecondFactorOutcome> RemoveAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var remove = Change.Unset(Factor);
                var entry = new NewAuditEntry(
                    now, AuditSubjects.Accounts, actor, AuditActions.SecondFactorDisable, AuditResults.AccountDone, Target: username);
                if (await ChangeAsync(username, IsConfirmed, remove, entry, token))
                {
                    return SecondFactorOutcome.Done;
                }

                await UpdateAsync(username, IsUnconfirmed, remove, token);
                return SecondFactorOutcome.NotEnabled;
            },
            ct);

    private static NewAuditEntry Own(string username, string action, DateTimeOffset now) =>
        new(now, AuditSubjects.Accounts, username, action, AuditResults.AccountDone);

    /// <summary>False when no such account is so.</summary>
    private async Task<bool> UpdateAsync(
        string username, FilterDefinition<BsonDocument> guard, UpdateDefinition<BsonDocument> update, CancellationToken ct)
    {
        var updated = await users.Documents.UpdateOneAsync(MongoUsers.Named(username) & guard, update, null, ct);
        return updated.MatchedCount == 1;
    }

    /// <summary>The same, on the record.</summary>
    private async Task<bool> ChangeAsync(
        string username, FilterDefinition<BsonDocument> guard, UpdateDefinition<BsonDocument> update, NewAuditEntry entry, CancellationToken ct)
    {
        var prepared = await log.PrepareAsync(entry, null, ct);
        var changed = await users.Documents.FindOneAndUpdateAsync(
            MongoUsers.Named(username) & guard,
            Change.Combine(update, OutboxEntry.Push(prepared)),
            new() { Projection = Builders<BsonDocument>.Projection.Include("_id") },
            ct);
        if (changed is null)
        {
            return false;
        }

        await log.TryDrainAsync(users.Documents, [changed["_id"]], CancellationToken.None);
        return true;
    }
}
