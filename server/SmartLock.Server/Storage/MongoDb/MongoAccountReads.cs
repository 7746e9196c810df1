using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What the stores of other features ask about accounts.</summary>
internal sealed class MongoAccountReads(MongoDatabase database, MongoUsers users)
{
    private static readonly FilterDefinitionBuilder<UserDocument> Where = Builders<UserDocument>.Filter;
    private static readonly FilterDefinition<UserDocument> IsEnabled = Where.Eq(u => u.Disabled, false);

    /// <summary>The account's name as it was chosen; null when there is none that is enabled.</summary>
    public Task<string?> FindEnabledAsync(string username, CancellationToken ct) => database.ReadAsync(
        async token => (string?)await users.Documents.Find(MongoUsers.Named(username) & IsEnabled).Project(u => u.Username).FirstOrDefaultAsync(token),
        ct);

    /// <inheritdoc cref="FindEnabledAsync(string, CancellationToken)"/>
    public async Task<string?> FindEnabledAsync(MongoTransaction transaction, string username) => await users.Documents
        .Find(transaction.Session, MongoUsers.Named(username) & IsEnabled)
        .Project(u => u.Username)
        .FirstOrDefaultAsync(transaction.Ct);

    /// <summary>Which of these accounts are enabled, by their keys.</summary>
    public Task<IReadOnlySet<string>> EnabledAsync(IEnumerable<string> nameKeys, CancellationToken ct) =>
        FindKeysAsync(Where.In(u => u.NameKey, nameKeys) & IsEnabled, ct);

    /// <summary>Which of these accounts there are, enabled or not, by their keys.</summary>
    public Task<IReadOnlySet<string>> PresentAsync(IEnumerable<string> nameKeys, CancellationToken ct) =>
        FindKeysAsync(Where.In(u => u.NameKey, nameKeys), ct);

    /// <summary>Whether the account was deleted. A transaction that asks touches the account as well, as the deletion does.</summary>
    public Task<bool> IsGoneAsync(MongoTransaction transaction, string nameKey) =>
        users.Retired.Find(transaction.Session, IsRetired(nameKey)).Limit(1).AnyAsync(transaction.Ct);

    public Task<bool> IsGoneAsync(string nameKey, CancellationToken ct) =>
        database.ReadAsync(token => users.Retired.Find(IsRetired(nameKey)).Limit(1).AnyAsync(token), ct);

    private static FilterDefinition<RetiredUserDocument> IsRetired(string nameKey)
    {
        var where = Builders<RetiredUserDocument>.Filter;
        return where.Eq(u => u.NameHash, MongoNames.HashOf(nameKey)) & where.Eq(u => u.Deleted, true);
    }

    private Task<IReadOnlySet<string>> FindKeysAsync(FilterDefinition<UserDocument> which, CancellationToken ct) => database.ReadAsync<IReadOnlySet<string>>(
        async token => (await users.Documents.Find(which).Project(u => u.NameKey).ToListAsync(token)).ToHashSet(StringComparer.Ordinal),
        ct);
}
