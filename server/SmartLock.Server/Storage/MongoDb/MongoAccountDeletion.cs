using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Deletes accounts. The account is marked as <c>deleted</c>, then its locks are looked for: whoever gets a lock for it at the same
/// time is found by that, or finds the mark. Then one write, which works only while the mark is still there, decides: nothing but its id and
/// the hash of its name is left of the account, its log entry, and in <c>leaving</c> the name by which the rest is found and forgotten.
/// </summary>
/// <remarks>
/// The rest is forgotten before the caller is told, and once more later: requests that were under way may write the name a moment longer. A
/// mark that was left by a killed process is taken off, a deletion that was decided is finished.
/// </remarks>
internal sealed class MongoAccountDeletion(
    MongoUsers users, MongoAdmins admins, MongoLocks locks, MongoErasure erasure, MongoHousekeeping housekeeping, MongoLog log, TimeProvider time) : IMongoOutbox
{
    /// <summary>So long a mark holds, and requests that were under way are waited for.</summary>
    public static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);

    private const int MostAtOnce = 100;

    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;

    /// <summary>What the deciding write takes away; the epoch's going ends all sessions.</summary>
    private static readonly string[] Personal =
    [
        "name_key", "username", "email", "password_hash", "password_version", "role", "disabled", "created_at", "epoch", "second_factor", "stepping_down",
    ];

    public string Collection => MongoNames.Users;

    public async Task<DeleteUserOutcome> DeleteAsync(string username, string actor, DateTimeOffset now, CancellationToken ct)
    {
        for (var tries = 0; tries < MongoAccountChanges.MostTries; tries++)
        {
            if (await users.FindAsync(MongoUsers.Named(username), ct) is not { } found)
            {
                await FinishOneAsync(Where.Eq("name_hash", MongoNames.HashOf(MongoNames.KeyOf(username))) & Where.Eq("leaving.is_forgotten", false), ct);
                return DeleteUserOutcome.NotFound;
            }

            if (await TryDeleteAsync(found, actor, now, ct) is { } outcome)
            {
                return outcome;
            }
        }

        throw MongoAccountChanges.TooBusy();
    }

    /// <summary>Finishes what was left by half, or is due once more.</summary>
    public async Task FinishAsync(CancellationToken ct)
    {
        var due = Where.Lte("leaving.due_at", NowMs());
        for (var finished = 0; finished < MostAtOnce && await FinishOneAsync(due, ct); finished++)
        {
            // Each is put off or done with, so that the next one comes.
        }
    }

    /// <summary>Null when the account was changed meanwhile.</summary>
    private async Task<DeleteUserOutcome?> TryDeleteAsync(BsonDocument found, string actor, DateTimeOffset now, CancellationToken ct)
    {
        var user = MongoUsers.Read(found);
        var entry = await log.PrepareAsync(
            MongoAccountChanges.About(user, actor, AuditActions.AccountDelete, AuditResults.AccountDone, now), null, ct);
        var attempt = new Attempt(found["_id"], user, Ids.NewUlid(time.GetUtcNow()));

        // From here on it is finished, whether or not the caller waits.
        if (MongoAdmins.IsEnabledAdmin(user))
        {
            var step = await admins.StepDownAsync(attempt.Id, CancellationToken.None);
            switch (step.Outcome)
            {
                case StepDownOutcome.Changed:
                    return null;
                case StepDownOutcome.Last:
                    return await RefuseAsync(DeleteUserOutcome.LastAdmin, user, actor, AuditResults.LastAdmin, now);
            }

            attempt = attempt with { AdminMark = step.Mark };
        }

        if (await TryMarkAsync(attempt))
        {
            if (await locks.OwnsAnyAsync(MongoNames.KeyOf(user.Username), CancellationToken.None))
            {
                await GiveUpAsync(attempt);
                return await RefuseAsync(DeleteUserOutcome.OwnsLocks, user, actor, AuditResults.OwnsLocks, now);
            }

            if (await TryDecideAsync(attempt, entry))
            {
                await log.TryDrainAsync(users.Documents, [attempt.Id], CancellationToken.None);
                await housekeeping.TryAsync(
                    () => FinishOneAsync(Where.Eq("_id", attempt.Id) & Where.Eq("leaving.is_forgotten", false), CancellationToken.None));
                return DeleteUserOutcome.Deleted;
            }
        }

        await GiveUpAsync(attempt);
        return null;
    }

    private async Task<bool> TryMarkAsync(Attempt attempt)
    {
        var marked = await users.Documents.UpdateOneAsync(
            attempt.Guard(),
            Change.Combine(
                Change.Set("deleted", true),
                Change.Set("leaving", new BsonDocument { { "id", attempt.Mark }, { "due_at", LaterMs() } })),
            null,
            CancellationToken.None);
        return marked.MatchedCount == 1;
    }

    private async Task<bool> TryDecideAsync(Attempt attempt, OutboxEntry entry)
    {
        var leaving = new BsonDocument { { "username", attempt.User.Username }, { "due_at", LaterMs() }, { "is_forgotten", false } };
        var decided = await users.Documents.UpdateOneAsync(
            attempt.Guard() & Where.Eq("leaving.id", attempt.Mark),
            Change.Combine(
                Personal.Select(field => Change.Unset(field))
                    .Append(Change.Set("leaving", leaving))
                    .Append(Change.Set("retired_at", entry.Entry.Time.ToUnixTimeMilliseconds()))
                    .Append(OutboxEntry.Push(entry))),
            null,
            CancellationToken.None);
        return decided.MatchedCount == 1;
    }

    private async Task GiveUpAsync(Attempt attempt)
    {
        await TakeMarkOffAsync(attempt.Id, attempt.Mark, CancellationToken.None);
        if (attempt.AdminMark is { } mark)
        {
            await admins.StayAsync(attempt.Id, mark, CancellationToken.None);
        }
    }

    private async Task TakeMarkOffAsync(BsonValue id, BsonValue mark, CancellationToken ct) =>
        await users.Documents.UpdateOneAsync(
            MongoUsers.Living(id) & Where.Eq("leaving.id", mark), Change.Unset("deleted").Unset("leaving"), null, ct);

    private async Task<DeleteUserOutcome> RefuseAsync(DeleteUserOutcome outcome, User user, string actor, string result, DateTimeOffset now)
    {
        var entry = MongoAccountChanges.About(user, actor, AuditActions.AccountDelete, result, now);
        await log.AppendAsync([await log.PrepareAsync(entry, null, CancellationToken.None)], CancellationToken.None);
        return outcome;
    }

    /// <summary>False when there is none.</summary>
    private async Task<bool> FinishOneAsync(FilterDefinition<BsonDocument> which, CancellationToken ct)
    {
        var found = await users.Documents.Find(which)
            .Project(Builders<BsonDocument>.Projection.Include("leaving").Include("name_key"))
            .FirstOrDefaultAsync(ct);
        if (found is null)
        {
            return false;
        }

        var leaving = found["leaving"].AsBsonDocument;
        if (found.Contains("name_key"))
        {
            await TakeMarkOffAsync(found["_id"], leaving["id"], ct);
            return true;
        }

        await erasure.ForgetAsync(found["_id"].AsString, leaving["username"].AsString, ct);
        await users.Documents.UpdateOneAsync(
            Where.Eq("_id", found["_id"]) & Where.Eq("leaving", leaving),
            leaving["is_forgotten"].AsBoolean
                ? Change.Unset("leaving")
                : Change.Set("leaving.is_forgotten", true).Set("leaving.due_at", LaterMs()),
            null,
            ct);
        return true;
    }

    private long NowMs() => time.GetUtcNow().ToUnixTimeMilliseconds();

    private long LaterMs() => (time.GetUtcNow() + Settled).ToUnixTimeMilliseconds();

    /// <param name="User">As it was read.</param>
    private sealed record Attempt(BsonValue Id, User User, string Mark, string? AdminMark = null)
    {
        public FilterDefinition<BsonDocument> Guard()
        {
            var guard = MongoAccountChanges.StillAs(Id, User);
            return AdminMark is null ? guard : guard & MongoAdmins.HasMark(AdminMark);
        }
    }
}
