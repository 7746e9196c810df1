using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Takes refresh tokens once. The write that puts the next in place of one is guarded by it still being the good one, and the write that ends a
/// session whose token was used twice by that token still being among the used: of any number at once one gets the next, and one ends it.
/// </summary>
internal sealed class MongoRotation(MongoSessions sessions, MongoUsers users, MongoHousekeeping housekeeping, MongoLog log)
{
    /// <summary>Who loses a race for a token finds it used the next time, or the session gone.</summary>
    private const int MostTries = 3;

    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;

    /// <summary>What an ended session keeps until its log entry is in the chain: nothing that is anybody's.</summary>
    private static readonly string[] Forgotten = ["epoch", "token", "used", "user_agent", "address"];

    public static SessionAccount AccountOf(string sessionId, BsonDocument user)
    {
        var account = MongoUsers.Read(user);
        return new SessionAccount(sessionId, account.Username, account.Role);
    }

    public async Task<RotateResult> RotateAsync(Rotation rotation, CancellationToken ct)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            var session = await sessions.Documents.Find(MongoSessions.ByToken(rotation.PresentedHash)).FirstOrDefaultAsync(ct);
            if (session is null || session["expires_at"].ToInt64() <= rotation.Now.ToUnixTimeMilliseconds())
            {
                break;
            }

            var user = await users.FindAsync(MongoUsers.Living(session["account_id"]) & Where.Eq("epoch", session["epoch"]), ct);
            if (user is null)
            {
                break;
            }

            if (await TryRotateAsync(session, user, rotation, ct) is { } result)
            {
                return result;
            }
        }

        return new RotateResult(RotateOutcome.Unknown);
    }

    /// <summary>Null when another was first.</summary>
    private async Task<RotateResult?> TryRotateAsync(BsonDocument session, BsonDocument user, Rotation rotation, CancellationToken ct)
    {
        var account = AccountOf(session["_id"].AsString, user);
        if (!session["token"].AsByteArray.AsSpan().SequenceEqual(rotation.PresentedHash))
        {
            return await TryEndAsync(account, rotation, ct) ? new RotateResult(RotateOutcome.Reused, account) : null;
        }

        if (MongoUsers.Read(user).Disabled)
        {
            return new RotateResult(RotateOutcome.Disabled, account);
        }

        var rotated = await sessions.Documents.UpdateOneAsync(
            Where.Eq("_id", account.SessionId) & Where.Eq("token", rotation.PresentedHash),
            Change.Combine(
                Change.Set("token", rotation.TokenHash),
                Change.PushEach("used", [rotation.PresentedHash], slice: -UsedTokens.Remembered),
                Change.Set("last_used_at", rotation.Now.ToUnixTimeMilliseconds()),
                Change.Set("expires_at", rotation.ExpiresAt.ToUnixTimeMilliseconds()),
                Change.Set(MongoSessions.PurgedAt, MongoSessions.PurgeAt(rotation.ExpiresAt)),
                Change.Set("address", rotation.Address)),
            null,
            ct);
        return rotated.MatchedCount == 1 ? new RotateResult(RotateOutcome.Rotated, account) : null;
    }

    private async Task<bool> TryEndAsync(SessionAccount account, Rotation rotation, CancellationToken ct)
    {
        var entry = await log.PrepareAsync(
            new NewAuditEntry(
                rotation.Now,
                AuditSubjects.Accounts,
                AuditActors.System,
                AuditActions.SessionReuse,
                AuditResults.SessionEnded,
                Target: account.Username),
            null,
            ct);
        var update = Forgotten.Select(field => Change.Unset(field)).Append(OutboxEntry.Push(entry));
        var isIt = Where.Eq("_id", account.SessionId);
        var ended = await sessions.Documents.UpdateOneAsync(
            isIt & Where.Eq("used", rotation.PresentedHash), Change.Combine(update), null, ct);
        if (ended.MatchedCount == 0)
        {
            return false;
        }

        await log.TryDrainAsync(sessions.Documents, [account.SessionId], CancellationToken.None);
        await housekeeping.TryAsync(() => sessions.Documents.DeleteOneAsync(isIt & Where.Exists($"{OutboxEntry.Field}.0", false), CancellationToken.None));
        return true;
    }
}
