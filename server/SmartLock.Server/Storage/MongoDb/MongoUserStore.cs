using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoUserStore(
    MongoDatabase database,
    MongoUsers users,
    MongoSessions sessions,
    MongoAdmins admins,
    MongoAccountChanges changes,
    MongoAccountDeletion deletion,
    MongoHousekeeping housekeeping,
    MongoLog log)
    : IUserStore
{
    /// <summary>The last character of Unicode ends the names that begin alike.</summary>
    private const string LastCharacter = "\U0010FFFF";

    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;

    public Task<CreateUserOutcome> CreateAsync(User user, string actor, CancellationToken ct) =>
        database.ReadAsync(
            async token => await TryInsertAsync(user, actor, isFirstAdmin: false, token) ? CreateUserOutcome.Created : CreateUserOutcome.NameTaken,
            ct);

    /// <summary>
    /// There are admins for good once there is one, since the last one stays: so it is enough that of those who find none, the unique index
    /// on <c>first_admin</c> lets one through.
    /// </summary>
    public Task<FirstAdminOutcome> CreateFirstAdminAsync(User user, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                if (await users.AnyAdminAsync(token))
                {
                    return FirstAdminOutcome.AdminExists;
                }

                if (await TryInsertAsync(user, user.Username, isFirstAdmin: true, token))
                {
                    return FirstAdminOutcome.Created;
                }

                return await users.AnyAdminAsync(token) ? FirstAdminOutcome.AdminExists : FirstAdminOutcome.NameTaken;
            },
            ct);

    public Task<User?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(
            async token => await users.FindAsync(MongoUsers.Named(username), token) is { } found ? MongoUsers.Read(found) : null,
            ct);

    public Task<Page<User>> ListAsync(UserFilter filter, string? after, int limit, CancellationToken ct)
    {
        var search = MongoNames.KeyOf(filter.Search ?? "");
        var wanted = Where.Gt("name_key", MongoNames.KeyOf(after ?? "")) & Where.Gte("name_key", search) & Where.Lt("name_key", search + LastCharacter);
        if (filter.Role is { } role)
        {
            wanted &= Where.Eq("role", role.ToString());
        }

        if (filter.Disabled is { } disabled)
        {
            wanted &= Where.Eq("disabled", disabled);
        }

        return database.ReadAsync(
            async token =>
            {
                var found = await users.Documents.Find(wanted)
                    .Sort(Builders<BsonDocument>.Sort.Ascending("name_key"))
                    .Limit(limit + 1)
                    .Project(MongoUsers.AsUser)
                    .ToListAsync(token);
                return UserCursor.Instance.Page(found.ConvertAll(MongoUsers.Read), limit, static user => user.Username);
            },
            ct);
    }

    public Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var replaced = await users.Documents.UpdateOneAsync(
                    MongoUsers.Named(username) & Where.Eq("password_hash", oldHash), Change.Set("password_hash", newHash), null, token);
                return replaced.MatchedCount == 1;
            },
            ct);

    public Task<ChangePasswordOutcome> ChangePasswordAsync(User user, string newHash, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var entry = await log.PrepareAsync(Own(user.Username, AuditActions.AccountPassword, now), null, token);
                var changed = await users.Documents.FindOneAndUpdateAsync(
                    MongoUsers.Named(user.Username) & Where.Eq("password_version", user.PasswordVersion) & Where.Eq("disabled", false),
                    Change.Combine(
                        Change.Set("password_hash", newHash),
                        Change.Inc("password_version", 1L),
                        Change.Inc("epoch", 1L),
                        OutboxEntry.Push(entry)),
                    After,
                    token);
                if (changed is null)
                {
                    return ChangePasswordOutcome.Stale;
                }

                await log.TryDrainAsync(users.Documents, [changed["_id"]], CancellationToken.None);
                await housekeeping.TryAsync(() => sessions.DeleteOldAsync(changed, CancellationToken.None));
                return ChangePasswordOutcome.Changed;
            },
            ct);

    public Task<User?> ChangeEmailAsync(string username, string? email, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var entry = await log.PrepareAsync(Own(username, AuditActions.AccountEmail, now), null, token);
                var changed = await users.Documents.FindOneAndUpdateAsync(
                    MongoUsers.Named(username),
                    Change.Combine(email is null ? Change.Unset("email") : Change.Set("email", email), OutboxEntry.Push(entry)),
                    After,
                    token);
                if (changed is null)
                {
                    return null;
                }

                await log.TryDrainAsync(users.Documents, [changed["_id"]], CancellationToken.None);
                return MongoUsers.Read(changed);
            },
            ct);

    public Task<UpdateUserResult> UpdateAsync(
        string username, UserChange change, string actor, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(token => changes.UpdateAsync(username, change, actor, now, token), ct);

    public Task<DeleteUserOutcome> DeleteAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(token => deletion.DeleteAsync(username, actor, now, token), ct);

    public Task<bool> AnyAdminAsync(CancellationToken ct) => database.ReadAsync(users.AnyAdminAsync, ct);

    private static FindOneAndUpdateOptions<BsonDocument> After { get; } = new() { ReturnDocument = ReturnDocument.After, Projection = MongoUsers.AsUser };

    private static NewAuditEntry Own(string username, string action, DateTimeOffset now) =>
        new(now, AuditSubjects.Accounts, username, action, AuditResults.AccountDone);

    /// <summary>False when somebody has the name or had it, or another is the first admin.</summary>
    private async Task<bool> TryInsertAsync(User user, string actor, bool isFirstAdmin, CancellationToken ct)
    {
        // The index decides; most names that are taken need not come that far.
        if (await users.IsTakenAsync(user.Username, ct))
        {
            return false;
        }

        var id = MongoUsers.NewId();

        // Names are looked up, and the account is not there yet.
        var self = MongoNames.Stored(id);
        var isOwn = actor == user.Username;
        var entry = await log.PrepareAsync(
            new NewAuditEntry(
                user.CreatedAt,
                AuditSubjects.Accounts,
                isOwn ? self : actor,
                AuditActions.AccountRegister,
                MongoUsers.WordFor(user.Role),
                Target: isOwn ? null : self),
            null,
            ct);
        var document = MongoUsers.Write(id, user);
        document.Add(OutboxEntry.Field, new BsonArray { entry.ToBson() });
        document.Add("first_admin", true, isFirstAdmin);
        try
        {
            await users.Documents.InsertOneAsync(document, null, ct);
        }
        catch (Exception e) when (MongoErrors.IsDuplicateKey(e))
        {
            return false;
        }

        await log.TryDrainAsync(users.Documents, [id], CancellationToken.None);
        if (MongoAdmins.IsEnabledAdmin(user))
        {
            await housekeeping.TryAsync(() => admins.CountAsync(CancellationToken.None));
        }

        return true;
    }
}
