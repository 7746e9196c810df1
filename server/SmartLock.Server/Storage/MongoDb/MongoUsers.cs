using System.Security.Cryptography;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoUsers(MongoDatabase database) : IMongoIndexes
{
    private const int IdBytes = 16;
    private const string AdminGuard = "enabled";

    private static readonly FilterDefinitionBuilder<UserDocument> Where = Builders<UserDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<UserDocument> Change = Builders<UserDocument>.Update;

    private readonly IMongoCollection<BsonDocument> _admins = database.Collection<BsonDocument>("admins");

    public IMongoCollection<UserDocument> Documents { get; } = database.Collection<UserDocument>(MongoNames.Users);

    public IMongoCollection<RetiredUserDocument> Retired { get; } = database.Collection<RetiredUserDocument>(MongoNames.Users);

    public static FilterDefinition<UserDocument> IsAdmin { get; } = Where.Eq(u => u.Role, Role.Admin);

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));

    /// <summary>The living account of this name, without case.</summary>
    public static FilterDefinition<UserDocument> Named(string username) => Where.Eq(u => u.NameKey, MongoNames.KeyOf(username));

    /// <summary>Null when there is no such account.</summary>
    public Task<UserDocument?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(async token => (UserDocument?)await Documents.Find(Named(username)).FirstOrDefaultAsync(token), ct);

    /// <summary>
    /// The account, locked: of transactions that take the same account at once one goes first, and the others see what it did. Null when there is none.
    /// </summary>
    public async Task<UserDocument?> TakeAsync(MongoTransaction transaction, string username) => await Documents.FindOneAndUpdateAsync(
        transaction.Session,
        Named(username),
        Change.Inc(u => u.Rev, 1),
        new FindOneAndUpdateOptions<UserDocument> { ReturnDocument = ReturnDocument.After },
        transaction.Ct);

    /// <summary>By a living account or a retired one.</summary>
    public Task<bool> IsTakenAsync(MongoTransaction transaction, string username) => Retired
        .Find(transaction.Session, HasHashOf(username))
        .Limit(1)
        .AnyAsync(transaction.Ct);

    /// <inheritdoc cref="IsTakenAsync(MongoTransaction, string)"/>
    public Task<bool> IsTakenAsync(string username, CancellationToken ct) =>
        database.ReadAsync(token => Retired.Find(HasHashOf(username)).Limit(1).AnyAsync(token), ct);

    /// <summary>
    /// Of transactions that ask this at once one goes first, and the others see what it did. So two admins cannot each rely on the other
    /// while both of them go.
    /// </summary>
    /// <param name="id">The account that is not to be counted.</param>
    public async Task<bool> HasAnotherAdminAsync(MongoTransaction transaction, string id)
    {
        await GuardAdminsAsync(transaction);
        return await Documents.Find(transaction.Session, IsAdmin & Where.Eq(u => u.Disabled, false) & Where.Ne(u => u.Id, id))
            .Limit(1)
            .AnyAsync(transaction.Ct);
    }

    /// <summary>Any at all, disabled ones included; guarded as <see cref="HasAnotherAdminAsync"/> is.</summary>
    public async Task<bool> AnyAdminAsync(MongoTransaction transaction)
    {
        await GuardAdminsAsync(transaction);
        return await Documents.Find(transaction.Session, IsAdmin).Limit(1).AnyAsync(transaction.Ct);
    }

    public async Task CreateAsync(CancellationToken ct)
    {
        var keys = Builders<UserDocument>.IndexKeys;
        await Documents.Indexes.CreateManyAsync(
            [
                new(keys.Ascending(u => u.NameHash), new CreateIndexOptions { Name = "name_hash", Unique = true }),
                new(keys.Ascending(u => u.NameKey), new CreateIndexOptions { Name = "name_key" }),
                new(keys.Ascending(u => u.Role), new CreateIndexOptions<UserDocument> { Name = "admins", PartialFilterExpression = IsAdmin }),
            ],
            ct);
        await Retired.Indexes.CreateOneAsync(
            new CreateIndexModel<RetiredUserDocument>(
                Builders<RetiredUserDocument>.IndexKeys.Ascending(u => u.Leaving!.DueAt), new CreateIndexOptions { Name = "leaving", Sparse = true }),
            cancellationToken: ct);
        await MakeAdminGuardAsync(ct);
    }

    private static FilterDefinition<RetiredUserDocument> HasHashOf(string username) =>
        Builders<RetiredUserDocument>.Filter.Eq(u => u.NameHash, MongoNames.HashOf(MongoNames.KeyOf(username)));

    /// <summary>The document that transactions conflict on that decide by how many admins there are.</summary>
    private Task GuardAdminsAsync(MongoTransaction transaction) => _admins.UpdateOneAsync(
        transaction.Session,
        Builders<BsonDocument>.Filter.Eq("_id", AdminGuard),
        Builders<BsonDocument>.Update.Inc("rev", 1L),
        new UpdateOptions { IsUpsert = true },
        transaction.Ct);

    private async Task MakeAdminGuardAsync(CancellationToken ct)
    {
        try
        {
            await _admins.UpdateOneAsync(
                Builders<BsonDocument>.Filter.Eq("_id", AdminGuard),
                Builders<BsonDocument>.Update.SetOnInsert("rev", 0L),
                new UpdateOptions { IsUpsert = true },
                ct);
        }
        catch (Exception e) when (MongoErrors.IsDuplicateKey(e))
        {
            // Another replica has made it in the same moment.
        }
    }
}
