using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What admins change of an account. Each change is guarded by the role and state it was decided on, and decided anew when they were changed meanwhile.</summary>
internal sealed class MongoAccountChanges(MongoUsers users, MongoSessions sessions, MongoAdmins admins, MongoHousekeeping housekeeping, MongoLog log)
{
    /// <summary>Each try that fails is a change by somebody else that did not.</summary>
    public const int MostTries = 50;

    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;

    public static StoreUnavailableException TooBusy() => new("The account is being changed by others; try again.");

    /// <summary>That the account still stands as it was read.</summary>
    public static FilterDefinition<BsonDocument> StillAs(BsonValue id, User user) =>
        MongoUsers.Living(id) & Where.Eq("role", user.Role.ToString()) & Where.Eq("disabled", user.Disabled);

    public async Task<UpdateUserResult> UpdateAsync(string username, UserChange change, string actor, DateTimeOffset now, CancellationToken ct)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (await users.FindAsync(MongoUsers.Named(username), ct) is not { } found)
            {
                return new UpdateUserResult(UpdateUserOutcome.NotFound);
            }

            var before = MongoUsers.Read(found);
            var after = before with { Disabled = change.Disabled ?? before.Disabled, Role = change.Role ?? before.Role };
            if (after == before)
            {
                return new UpdateUserResult(UpdateUserOutcome.Updated, before);
            }

            if (await TryUpdateAsync(found, after, actor, now, ct) is { } result)
            {
                return result;
            }
        }

        throw TooBusy();
    }

    /// <summary>Null when it was changed meanwhile.</summary>
    private async Task<UpdateUserResult?> TryUpdateAsync(BsonDocument found, User after, string actor, DateTimeOffset now, CancellationToken ct)
    {
        var before = MongoUsers.Read(found);
        var guard = StillAs(found["_id"], before);
        string? mark = null;
        var entries = await log.PrepareAsync([.. EntriesOf(before, after, actor, now).Select(entry => (entry, (string?)null))], ct);
        if (MongoAdmins.IsEnabledAdmin(before) && !MongoAdmins.IsEnabledAdmin(after))
        {
            // From here on it is finished, whether or not the caller waits.
            var step = await admins.StepDownAsync(found["_id"], CancellationToken.None);
            switch (step.Outcome)
            {
                case StepDownOutcome.Changed:
                    return null;
                case StepDownOutcome.Last:
                    await RefuseAsync(before, after, actor, now);
                    return new UpdateUserResult(UpdateUserOutcome.LastAdmin, before);
            }

            mark = step.Mark;
            guard &= MongoAdmins.HasMark(mark!);
        }

        var updated = await users.Documents.FindOneAndUpdateAsync(
            guard, UpdateTo(before, after, entries), new() { ReturnDocument = ReturnDocument.After, Projection = MongoUsers.AsUser }, CancellationToken.None);
        if (updated is not null)
        {
            return await FinishAsync(updated, after);
        }

        if (mark is not null)
        {
            await admins.StayAsync(found["_id"], mark, CancellationToken.None);
        }

        return null;
    }

    private async Task<UpdateUserResult> FinishAsync(BsonDocument updated, User after)
    {
        await log.TryDrainAsync(users.Documents, [updated["_id"]], CancellationToken.None);
        if (after.Disabled)
        {
            await housekeeping.TryAsync(() => sessions.DeleteOldAsync(updated, CancellationToken.None));
        }

        if (MongoAdmins.IsEnabledAdmin(after))
        {
            await housekeeping.TryAsync(() => admins.CountAsync(CancellationToken.None));
        }

        return new UpdateUserResult(UpdateUserOutcome.Updated, MongoUsers.Read(updated));
    }

    private static UpdateDefinition<BsonDocument> UpdateTo(User before, User after, IReadOnlyList<OutboxEntry> entries)
    {
        var update = new List<UpdateDefinition<BsonDocument>>
        {
            Change.Set("role", after.Role.ToString()),
            Change.Set("disabled", after.Disabled),
            MongoAdmins.SteppedDown,
            OutboxEntry.Push(entries),
        };
        if (after.Disabled && !before.Disabled)
        {
            update.Add(Change.Inc("epoch", 1L));
        }

        return Change.Combine(update);
    }

    private static IEnumerable<NewAuditEntry> EntriesOf(User before, User after, string actor, DateTimeOffset now)
    {
        if (after.Role != before.Role)
        {
            yield return About(before, actor, AuditActions.AccountRole, MongoUsers.WordFor(after.Role), now);
        }

        if (after.Disabled != before.Disabled)
        {
            var action = after.Disabled ? AuditActions.AccountDisable : AuditActions.AccountEnable;
            yield return About(before, actor, action, AuditResults.AccountDone, now);
        }
    }

    private async Task RefuseAsync(User before, User after, string actor, DateTimeOffset now)
    {
        var action = after.Role != before.Role ? AuditActions.AccountRole : AuditActions.AccountDisable;
        var entry = await log.PrepareAsync(About(before, actor, action, AuditResults.LastAdmin, now), null, CancellationToken.None);
        await log.AppendAsync([entry], CancellationToken.None);
    }

    public static NewAuditEntry About(User user, string actor, string action, string result, DateTimeOffset now) =>
        new(now, AuditSubjects.Accounts, actor, action, result, Target: user.Username);
}
