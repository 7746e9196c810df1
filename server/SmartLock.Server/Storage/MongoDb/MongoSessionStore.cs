using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoSessionStore(MongoDatabase database, MongoSessions sessions, MongoUsers users) : ISessionStore
{
    /// <summary>Who loses a race for a token finds it used the next time, or the session gone.</summary>
    private const int MostTries = 3;

    private static readonly FilterDefinitionBuilder<SessionDocument> Where = Builders<SessionDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<SessionDocument> Change = Builders<SessionDocument>.Update;

    /// <summary>Takes the account, as everything does that ends its sessions or tightens its sign-in: whichever of the two comes second sees the other.</summary>
    public Task<OpenSessionResult> OpenAsync(User user, NewSession session, int most, CancellationToken ct) => database.TransactAsync(
        AuditSubjects.Accounts,
        async transaction =>
        {
            var account = await users.TakeAsync(transaction, user.Username);
            var outcome = SessionRules.Open(UserDocument.ToUser(account), user);
            if (outcome is not OpenSessionOutcome.Opened)
            {
                return new OpenSessionResult(outcome, []);
            }

            var ended = await MakeRoomAsync(transaction, user.Username, SessionRules.KeptBesideNew(most));
            await sessions.Documents.InsertOneAsync(transaction.Session, SessionDocument.Of(session, account!.NameKey), null, transaction.Ct);
            await RememberNetworkAsync(transaction, account, ClientAddress.NetworkOf(session.Address));
            await transaction.AppendAsync(SessionRules.Opened(account.Username, session.CreatedAt), null);
            return new OpenSessionResult(outcome, ended);
        },
        ct);

    public Task<bool> AnyAsync(CancellationToken ct) =>
        database.ReadAsync(token => sessions.Documents.Find(Where.Empty).Limit(1).AnyAsync(token), ct);

    public Task<bool> IsKnownNetworkAsync(string username, string network, CancellationToken ct) => database.ReadAsync(
        token => users.Documents.Find(MongoUsers.Named(username) & Builders<UserDocument>.Filter.AnyEq(u => u.Networks, network)).Limit(1).AnyAsync(token), ct);

    /// <summary>The account is read last, so that it is seen as it stands when this returns.</summary>
    public async Task<SessionAccount?> FindAsync(string sessionId, DateTimeOffset now, CancellationToken ct)
    {
        var found = await FindOneAsync(Where.Eq(s => s.Id, sessionId) & Where.Gt(s => s.ExpiresAt, now), ct);
        return found is not null && await users.FindAsync(found.NameKey, ct) is { Disabled: false } user
            ? new SessionAccount(sessionId, user.Username, user.Role)
            : null;
    }

    /// <summary>
    /// The write that puts the next token in place of one is guarded by that one still being the good one, and the write that ends a session whose
    /// token was used twice by that token still being among the used: of any number at once one gets the next, and one ends it. An account that is
    /// disabled meanwhile has no session left that could be found.
    /// </summary>
    public async Task<RotateResult> RotateAsync(Rotation rotation, CancellationToken ct)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (await FindOneAsync(MongoSessions.ByToken(rotation.PresentedHash), ct) is not { } session)
            {
                break;
            }

            var isUsed = !session.Token.AsSpan().SequenceEqual(rotation.PresentedHash);
            var account = UserDocument.ToUser(await users.FindAsync(session.NameKey, ct));
            var result = SessionRules.Rotate(session.Id, account, session.ExpiresAt, isUsed, rotation.Now);
            var isDone = result.Outcome switch
            {
                RotateOutcome.Rotated => await TryReplaceTokenAsync(session.Id, rotation, ct),
                RotateOutcome.Reused => await TryEndReusedAsync(result.Account!, rotation, ct),
                _ => true,
            };
            if (isDone)
            {
                return result;
            }
        }

        return new RotateResult(RotateOutcome.Unknown);
    }

    public async Task<IReadOnlyList<Session>> ListAsync(string username, DateTimeOffset now, CancellationToken ct)
    {
        var found = await database.ReadAsync(
            token => sessions.Documents.Find(MongoSessions.Of(username) & Where.Gt(s => s.ExpiresAt, now)).SortByDescending(s => s.Id).ToListAsync(token),
            ct);
        return found.ConvertAll(s => s.ToSession());
    }

    public async Task<EndSessionOutcome> EndAsync(string username, string sessionId, CancellationToken ct)
    {
        var ended = await database.ReadAsync(
            token => sessions.Documents.DeleteOneAsync(MongoSessions.Of(username) & Where.Eq(s => s.Id, sessionId), token), ct);
        return ended.DeletedCount == 1 ? EndSessionOutcome.Ended : EndSessionOutcome.NotFound;
    }

    public async Task<EndedSession?> EndByTokenAsync(byte[] tokenHash, CancellationToken ct)
    {
        var ended = await database.ReadAsync(
            async token => (SessionDocument?)await sessions.Documents.FindOneAndDeleteAsync<SessionDocument>(
                MongoSessions.ByToken(tokenHash), null, token),
            ct);
        return ended is null ? null : new EndedSession(ended.NameKey, ended.Id);
    }

    public Task<IReadOnlyList<string>> EndOthersAsync(string username, string sessionId, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<string>>(
            async token =>
            {
                var others = await sessions.Documents.Find(MongoSessions.Of(username) & Where.Ne(s => s.Id, sessionId)).Project(s => s.Id).ToListAsync(token);
                if (others.Count > 0)
                {
                    await sessions.Documents.DeleteManyAsync(Where.In(s => s.Id, others), token);
                }

                return others;
            },
            ct);

    public Task<IReadOnlyList<EndedSession>> DeleteExpiredAsync(DateTimeOffset now, int limit, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<EndedSession>>(
            async token =>
            {
                var hasExpired = Where.Lte(s => s.ExpiresAt, now);
                var expired = await sessions.Documents.Find(hasExpired).SortBy(s => s.ExpiresAt).Limit(limit).ToListAsync(token);
                if (expired.Count > 0)
                {
                    // One that was refreshed meanwhile stays; that this process forgets it costs a read.
                    await sessions.Documents.DeleteManyAsync(Where.In(s => s.Id, expired.Select(s => s.Id)) & hasExpired, token);
                }

                return expired.ConvertAll(s => new EndedSession(s.NameKey, s.Id));
            },
            ct);

    public async Task NoteRefusedAsync(string username, string result, DateTimeOffset now, CancellationToken ct)
    {
        if (await users.FindAsync(username, ct) is { } user)
        {
            await database.TransactAsync(
                AuditSubjects.Accounts, transaction => transaction.AppendAsync(SessionRules.Refused(user.Username, result, now), null), ct);
        }
    }

    private Task<SessionDocument?> FindOneAsync(FilterDefinition<SessionDocument> which, CancellationToken ct) =>
        database.ReadAsync(async token => (SessionDocument?)await sessions.Documents.Find(which).FirstOrDefaultAsync(token), ct);

    /// <summary>Ends those not used for longest.</summary>
    private async Task<IReadOnlyList<string>> MakeRoomAsync(MongoTransaction transaction, string username, int kept)
    {
        var ended = await sessions.Documents.Find(transaction.Session, MongoSessions.Of(username))
            .SortByDescending(s => s.LastUsedAt)
            .ThenByDescending(s => s.Id)
            .Skip(kept)
            .Project(s => s.Id)
            .ToListAsync(transaction.Ct);
        if (ended.Count > 0)
        {
            await sessions.Documents.DeleteManyAsync(transaction.Session, Where.In(s => s.Id, ended), null, transaction.Ct);
        }

        return ended;
    }

    /// <summary>False when another was first.</summary>
    private async Task<bool> TryReplaceTokenAsync(string sessionId, Rotation rotation, CancellationToken ct)
    {
        var replaced = await database.ReadAsync(
            token => sessions.Documents.UpdateOneAsync(
                Where.Eq(s => s.Id, sessionId) & Where.Eq(s => s.Token, rotation.PresentedHash),
                Change.Set(s => s.Token, rotation.TokenHash)
                    .PushEach(s => s.Used, [rotation.PresentedHash], slice: -UsedTokens.Remembered)
                    .Set(s => s.LastUsedAt, rotation.Now)
                    .Set(s => s.ExpiresAt, rotation.ExpiresAt)
                    .Set(s => s.PurgeAt, SessionDocument.PurgeAtOf(rotation.ExpiresAt))
                    .Set(s => s.Address, rotation.Address),
                null,
                token),
            ct);
        return replaced.MatchedCount == 1;
    }

    /// <summary>False when another was first.</summary>
    private Task<bool> TryEndReusedAsync(SessionAccount account, Rotation rotation, CancellationToken ct) => database.TransactAsync(
        AuditSubjects.Accounts,
        async transaction =>
        {
            var ended = await sessions.Documents.DeleteOneAsync(
                transaction.Session,
                Where.Eq(s => s.Id, account.SessionId) & Where.AnyEq(s => s.Used, rotation.PresentedHash),
                null,
                transaction.Ct);
            if (ended.DeletedCount == 0)
            {
                return false;
            }

            await transaction.AppendAsync(SessionRules.Reused(account.Username, rotation.Now), null);
            return true;
        },
        ct);

    private Task RememberNetworkAsync(MongoTransaction transaction, UserDocument account, string network)
    {
        var known = account.Networks ?? [];
        return known.Count > 0 && known[0] == network
            ? Task.CompletedTask
            : users.Documents.UpdateOneAsync(
                transaction.Session,
                Builders<UserDocument>.Filter.Eq(u => u.Id, account.Id),
                Builders<UserDocument>.Update.Set(u => u.Networks, [network, .. known.Where(n => n != network).Take(KnownNetworks.Most - 1)]),
                null,
                transaction.Ct);
    }
}
