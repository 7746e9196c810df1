using System.Security.Cryptography;
using MongoDB.Driver;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Reads accounts, and locks them for transactions that decide by what they read.</summary>
internal sealed class MongoUsers(MongoDatabase database)
{
    private const int IdBytes = 16;

    /// <summary>Touched by what decides by how many admins there are. No account's key, since these are in upper case.</summary>
    private const string AllAdmins = "admins";

    private static readonly FilterDefinitionBuilder<UserDocument> Where = Builders<UserDocument>.Filter;

    public static FilterDefinition<UserDocument> IsAdmin { get; } = Where.Eq(u => u.Role, Role.Admin);

    public IMongoCollection<UserDocument> Documents { get; } = database.Collection<UserDocument>(UserDocument.Collection);

    public IMongoCollection<RetiredUserDocument> Retired { get; } = database.Collection<RetiredUserDocument>(RetiredUserDocument.Collection);

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));

    /// <summary>The living account of this name, without case.</summary>
    public static FilterDefinition<UserDocument> Named(string username) => Where.Eq(u => u.NameKey, MongoNames.KeyOf(username));

    /// <summary>Null when there is no such account.</summary>
    public Task<UserDocument?> FindAsync(string username, CancellationToken ct) =>
        database.ReadAsync(async token => (UserDocument?)await Documents.Find(Named(username)).FirstOrDefaultAsync(token), ct);

    /// <summary>
    /// The account, locked: of transactions that take the same account at once one goes first, and the others run again and see what it did. Null
    /// when there is none.
    /// </summary>
    public async Task<UserDocument?> TakeAsync(MongoTransaction transaction, string username) => await Documents.FindOneAndUpdateAsync(
        transaction.Session,
        Named(username),
        Builders<UserDocument>.Update.Inc(u => u.Rev, 1),
        new FindOneAndUpdateOptions<UserDocument> { ReturnDocument = ReturnDocument.After },
        transaction.Ct);

    /// <summary>By a living account or a deleted one.</summary>
    public Task<bool> IsTakenAsync(MongoTransaction transaction, string username) => Retired
        .Find(transaction.Session, Builders<RetiredUserDocument>.Filter.Eq(u => u.NameHash, database.Names.HashOf(MongoNames.KeyOf(username))))
        .Limit(1)
        .AnyAsync(transaction.Ct);

    /// <summary>
    /// Of transactions that ask this at once one goes first, and the others run again and see what it did. So no two admins can go who each rely on
    /// the other to stay.
    /// </summary>
    /// <param name="id">Of the account that is not to be counted.</param>
    public async Task<bool> HasAnotherAdminAsync(MongoTransaction transaction, string id)
    {
        await transaction.TouchAccountAsync(AllAdmins);
        return await Documents.Find(transaction.Session, IsAdmin & Where.Eq(u => u.Disabled, false) & Where.Ne(u => u.Id, id))
            .Limit(1)
            .AnyAsync(transaction.Ct);
    }

    /// <summary>Any at all, disabled ones included; one transaction after the other, as in <see cref="HasAnotherAdminAsync"/>.</summary>
    public async Task<bool> AnyAdminAsync(MongoTransaction transaction)
    {
        await transaction.TouchAccountAsync(AllAdmins);
        return await Documents.Find(transaction.Session, IsAdmin).Limit(1).AnyAsync(transaction.Ct);
    }
}
