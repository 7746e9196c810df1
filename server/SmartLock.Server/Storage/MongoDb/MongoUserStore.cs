using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoUserStore(
    MongoDatabase database, MongoUsers users, MongoSessions sessions, MongoAccountDeletion deletion, AuditChain chain) : IUserStore
{
    /// <summary>The last character of Unicode ends the names that begin alike.</summary>
    private const string LastCharacter = "\U0010FFFF";

    private static readonly FilterDefinitionBuilder<UserDocument> Where = Builders<UserDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<UserDocument> Change = Builders<UserDocument>.Update;

    public Task<CreateUserOutcome> CreateAsync(User user, string actor, CancellationToken ct) => TransactAsync(
        async transaction =>
        {
            if (await users.IsTakenAsync(transaction, user.Username))
            {
                return CreateUserOutcome.NameTaken;
            }

            await InsertAsync(transaction, user, actor);
            return CreateUserOutcome.Created;
        },
        ct);

    public Task<FirstAdminOutcome> CreateFirstAdminAsync(User user, CancellationToken ct) => TransactAsync(
        async transaction =>
        {
            var outcome = UserChangeRules.FirstAdmin(
                await users.AnyAdminAsync(transaction), await users.IsTakenAsync(transaction, user.Username));
            if (outcome is FirstAdminOutcome.Created)
            {
                await InsertAsync(transaction, user, user.Username);
            }

            return outcome;
        },
        ct);

    public async Task<User?> FindAsync(string username, CancellationToken ct) => UserDocument.ToUser(await users.FindAsync(username, ct));

    public async Task<Page<User>> ListAsync(UserFilter filter, string? after, int limit, CancellationToken ct)
    {
        var search = MongoNames.KeyOf(filter.Search ?? "");
        var wanted = Where.Gt(u => u.NameKey, MongoNames.KeyOf(after ?? ""))
            & Where.Gte(u => u.NameKey, search)
            & Where.Lt(u => u.NameKey, search + LastCharacter);
        if (filter.Role is { } role)
        {
            wanted &= Where.Eq(u => u.Role, role);
        }

        if (filter.Disabled is { } disabled)
        {
            wanted &= Where.Eq(u => u.Disabled, disabled);
        }

        var found = await database.ReadAsync(
            token => users.Documents.Find(wanted).SortBy(u => u.NameKey).Limit(limit + 1).ToListAsync(token),
            ct);
        return UserCursor.Instance.Page(found.ConvertAll(u => UserDocument.ToUser(u)!), limit, static user => user.Username);
    }

    public Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct) => database.ReadAsync(
        async token =>
        {
            var replaced = await users.Documents.UpdateOneAsync(
                MongoUsers.Named(username) & Where.Eq(u => u.PasswordHash, oldHash),
                Change.Set(u => u.PasswordHash, newHash),
                cancellationToken: token);
            return replaced.MatchedCount == 1;
        },
        ct);

    public Task<ChangePasswordOutcome> ChangePasswordAsync(User user, string newHash, DateTimeOffset now, CancellationToken ct) => TransactAsync(
        async transaction =>
        {
            var found = await users.TakeAsync(transaction, user.Username);
            var outcome = UserChangeRules.ChangePassword(UserDocument.ToUser(found), user);
            if (outcome is ChangePasswordOutcome.Changed)
            {
                await UpdateAsync(transaction, found!, Change.Set(u => u.PasswordHash, newHash).Inc(u => u.PasswordVersion, 1));
                await sessions.DeleteAllOfAsync(transaction, found!.NameKey);
                await transaction.AppendAsync(UserChangeRules.PasswordChanged(user.Username, now), null);
            }

            return outcome;
        },
        ct);

    public Task<User?> ChangeEmailAsync(string username, string? email, DateTimeOffset now, CancellationToken ct) => TransactAsync(
        async transaction =>
        {
            if (await users.TakeAsync(transaction, username) is not { } found)
            {
                return null;
            }

            await UpdateAsync(transaction, found, Change.Combine().SetOrUnset(u => u.Email, email));
            await transaction.AppendAsync(UserChangeRules.EmailChanged(found.Username, now), null);
            return UserDocument.ToUser(found with { Email = email });
        },
        ct);

    public Task<UpdateUserResult> UpdateAsync(
        string username, UserChange change, string actor, DateTimeOffset now, CancellationToken ct) => TransactAsync(
        async transaction =>
        {
            var found = await users.TakeAsync(transaction, username);
            var before = UserDocument.ToUser(found);
            var hasAnotherAdmin = before is not null
                && UserChangeRules.NeedsAnotherAdmin(before, change)
                && await users.HasAnotherAdminAsync(transaction, found!.Id);
            var update = UserChangeRules.Update(before, change, hasAnotherAdmin, actor, now);
            var (result, _, _, _) = update;
            if (update.IsWritten)
            {
                var after = result.User!;
                await UpdateAsync(transaction, found!, Change.Set(u => u.Role, after.Role).Set(u => u.Disabled, after.Disabled));
            }

            if (update.EndsSessions)
            {
                await sessions.DeleteAllOfAsync(transaction, found!.NameKey);
            }

            if (update.Entries.Count > 0)
            {
                await transaction.AppendAsync([.. update.Entries.Select(entry => (entry, (string?)null))]);
            }

            return result;
        },
        ct);

    public Task<DeleteUserOutcome> DeleteAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        deletion.DeleteAsync(username, actor, now, ct);

    public Task<bool> AnyAdminAsync(CancellationToken ct) =>
        database.ReadAsync(token => users.Documents.Find(MongoUsers.IsAdmin).Limit(1).AnyAsync(token), ct);

    private Task<UpdateResult> UpdateAsync(MongoTransaction transaction, UserDocument user, UpdateDefinition<UserDocument> update) =>
        users.Documents.UpdateOneAsync(transaction.Session, Where.Eq(u => u.Id, user.Id), update, cancellationToken: transaction.Ct);

    /// <summary>The account before its entry, which names it by its id.</summary>
    private async Task InsertAsync(MongoTransaction transaction, User user, string actor)
    {
        await users.Documents.InsertOneAsync(transaction.Session, UserDocument.Of(MongoUsers.NewId(), user, chain), null, transaction.Ct);
        await transaction.AppendAsync(UserChangeRules.Registered(user, actor), null);
    }

    private Task<T> TransactAsync<T>(Func<MongoTransaction, Task<T>> work, CancellationToken ct) =>
        database.TransactAsync(AuditSubjects.Accounts, work, ct);
}
