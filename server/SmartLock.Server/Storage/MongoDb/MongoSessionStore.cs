using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoSessionStore(
    MongoDatabase database, MongoSessions sessions, MongoUsers users, MongoRotation rotations, MongoHousekeeping housekeeping, MongoLog log) : ISessionStore
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly ProjectionDefinition<BsonDocument> JustId = Builders<BsonDocument>.Projection.Include("_id");

    public Task<OpenSessionResult> OpenAsync(User user, NewSession session, int most, CancellationToken ct) =>
        database.ReadAsync(token => OpenCoreAsync(user, session, most, token), ct);

    /// <summary>The account is read last, so that it is seen as it stands when this returns.</summary>
    public Task<SessionAccount?> FindAsync(string sessionId, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var found = await sessions.Documents
                    .Find(Where.Eq("_id", sessionId) & Where.Exists("epoch") & ExpiresAfter(now))
                    .Project(Builders<BsonDocument>.Projection.Include("account_id").Include("epoch"))
                    .FirstOrDefaultAsync(token);
                if (found is null)
                {
                    return null;
                }

                var user = await users.FindAsync(
                    MongoUsers.Living(found["account_id"]) & Where.Eq("epoch", found["epoch"]) & Where.Eq("disabled", false), token);
                return user is null ? null : MongoRotation.AccountOf(sessionId, user);
            },
            ct);

    public Task<RotateResult> RotateAsync(Rotation rotation, CancellationToken ct) =>
        database.ReadAsync(token => rotations.RotateAsync(rotation, token), ct);

    public Task<IReadOnlyList<Session>> ListAsync(string username, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<Session>>(
            async token =>
            {
                if (await users.FindAsync(MongoUsers.Named(username), token) is not { } user)
                {
                    return [];
                }

                var found = await sessions.Documents.Find(MongoSessions.Of(user) & ExpiresAfter(now))
                    .Sort(Builders<BsonDocument>.Sort.Descending("_id"))
                    .Project(Builders<BsonDocument>.Projection.Exclude("token").Exclude("used"))
                    .ToListAsync(token);
                return found.ConvertAll(MongoSessions.Read);
            },
            ct);

    public Task<EndSessionOutcome> EndAsync(string username, string sessionId, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                if (await users.FindAsync(MongoUsers.Named(username), token) is not { } user)
                {
                    return EndSessionOutcome.NotFound;
                }

                var ended = await sessions.Documents.DeleteOneAsync(MongoSessions.Of(user) & Where.Eq("_id", sessionId), token);
                return ended.DeletedCount == 1 ? EndSessionOutcome.Ended : EndSessionOutcome.NotFound;
            },
            ct);

    public Task<EndedSession?> EndByTokenAsync(byte[] tokenHash, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var ended = await sessions.Documents.FindOneAndDeleteAsync<BsonDocument>(MongoSessions.ByToken(tokenHash), null, token);
                return ended is null ? null : EndedOf(ended);
            },
            ct);

    public Task<IReadOnlyList<string>> EndOthersAsync(string username, string sessionId, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<string>>(
            async token =>
            {
                if (await users.FindAsync(MongoUsers.Named(username), token) is not { } user)
                {
                    return [];
                }

                var others = await sessions.Documents.Find(MongoSessions.Of(user) & Where.Ne("_id", sessionId)).Project(JustId).ToListAsync(token);
                return await EndAsync(others, token);
            },
            ct);

    public Task<IReadOnlyList<EndedSession>> DeleteExpiredAsync(DateTimeOffset now, int limit, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<EndedSession>>(
            async token =>
            {
                var hasExpired = Where.Lte("expires_at", now.ToUnixTimeMilliseconds()) & Where.Exists($"{OutboxEntry.Field}.0", false);
                var expired = await sessions.Documents.Find(hasExpired)
                    .Sort(Builders<BsonDocument>.Sort.Ascending("expires_at"))
                    .Limit(limit)
                    .Project(Builders<BsonDocument>.Projection.Include("name_key"))
                    .ToListAsync(token);
                if (expired.Count > 0)
                {
                    // One that was refreshed meanwhile stays; that this process forgets it costs a read.
                    await sessions.Documents.DeleteManyAsync(Where.In("_id", expired.Select(s => s["_id"])) & hasExpired, token);
                }

                return expired.ConvertAll(EndedOf);
            },
            ct);

    public Task NoteRefusedAsync(string username, string result, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                if (await users.FindAsync(MongoUsers.Named(username), token) is { } user)
                {
                    var entry = new NewAuditEntry(
                        now, AuditSubjects.Accounts, AuditActors.System, AuditActions.AccountLogin, result, Target: user["username"].AsString);
                    await log.AppendAsync([await log.PrepareAsync(entry, null, token)], token);
                }
            },
            ct);

    /// <summary>
    /// The session is there before the account decides, so that of what ends sessions or tightens sign-in at the same time either meets it or
    /// is met by it. Nobody has its token before this returns: one that a killed process leaves undecided is nobody's.
    /// </summary>
    private async Task<OpenSessionResult> OpenCoreAsync(User user, NewSession session, int most, CancellationToken ct)
    {
        var asChecked = MongoUsers.Named(user.Username) & Where.Eq("password_version", user.PasswordVersion) & Where.Eq("disabled", false);
        if (!user.HasSecondFactor)
        {
            asChecked &= Where.Exists("second_factor.confirmed_at", false);
        }

        if (await users.FindAsync(asChecked, ct) is not { } found)
        {
            return new OpenSessionResult(OpenSessionOutcome.Stale, []);
        }

        var entry = await log.PrepareAsync(
            new NewAuditEntry(session.CreatedAt, AuditSubjects.Accounts, user.Username, AuditActions.AccountLogin, AuditResults.AccountDone), null, ct);
        await sessions.Documents.InsertOneAsync(MongoSessions.Write(session, found, MongoNames.KeyOf(user.Username)), null, ct);
        var decided = await users.Documents.UpdateOneAsync(
            asChecked & Where.Eq("epoch", found["epoch"]), OutboxEntry.Push(entry), null, CancellationToken.None);
        if (decided.MatchedCount == 0)
        {
            await sessions.Documents.DeleteOneAsync(Where.Eq("_id", session.Id), CancellationToken.None);
            return new OpenSessionResult(OpenSessionOutcome.Stale, []);
        }

        await log.TryDrainAsync(users.Documents, [found["_id"]], CancellationToken.None);
        IReadOnlyList<string> ended = [];
        await housekeeping.TryAsync(async () => ended = await MakeRoomAsync(found, session, most));
        return new OpenSessionResult(OpenSessionOutcome.Opened, ended);
    }

    /// <summary>
    /// Ends those not used for longest. One that counts as used later than the new one is never among them: of two that are opened at once
    /// each would end the other.
    /// </summary>
    private async Task<IReadOnlyList<string>> MakeRoomAsync(BsonDocument user, NewSession session, int most)
    {
        var others = await sessions.Documents.Find(MongoSessions.Of(user) & Where.Ne("_id", session.Id))
            .Sort(Builders<BsonDocument>.Sort.Descending("last_used_at").Descending("_id"))
            .Skip(most - 1)
            .Project(Builders<BsonDocument>.Projection.Include("last_used_at"))
            .ToListAsync(CancellationToken.None);
        var opened = (session.CreatedAt.ToUnixTimeMilliseconds(), session.Id);
        return await EndAsync([.. others.Where(o => IsBefore(o, opened))], CancellationToken.None);
    }

    private static bool IsBefore(BsonDocument other, (long UsedAt, string Id) opened)
    {
        var usedAt = other["last_used_at"].ToInt64();
        return usedAt < opened.UsedAt || (usedAt == opened.UsedAt && string.CompareOrdinal(other["_id"].AsString, opened.Id) < 0);
    }

    private async Task<IReadOnlyList<string>> EndAsync(List<BsonDocument> found, CancellationToken ct)
    {
        if (found.Count == 0)
        {
            return [];
        }

        await sessions.Documents.DeleteManyAsync(Where.In("_id", found.Select(s => s["_id"])) & Where.Exists("epoch"), ct);
        return [.. found.Select(s => s["_id"].AsString)];
    }

    private static FilterDefinition<BsonDocument> ExpiresAfter(DateTimeOffset now) => Where.Gt("expires_at", now.ToUnixTimeMilliseconds());

    private static EndedSession EndedOf(BsonDocument session) => new(session["name_key"].AsString, session["_id"].AsString);
}
