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
    public async Task<string?> FindEnabledAsync(IClientSessionHandle session, string username, CancellationToken ct) => await users.Documents
        .Find(session, MongoUsers.Named(username) & IsEnabled)
        .Project(u => u.Username)
        .FirstOrDefaultAsync(ct);

    /// <summary>Which of these accounts are enabled, by their keys.</summary>
    public Task<IReadOnlySet<string>> EnabledAsync(IEnumerable<string> nameKeys, CancellationToken ct) => database.ReadAsync<IReadOnlySet<string>>(
        async token =>
        {
            var found = await users.Documents.Find(Where.In(u => u.NameKey, nameKeys) & IsEnabled).Project(u => u.NameKey).ToListAsync(token);
            return found.ToHashSet(StringComparer.Ordinal);
        },
        ct);

    /// <summary>Whether the account was deleted, as the transaction has it: it touches the account as well, as the deletion does.</summary>
    public Task<bool> IsGoneAsync(IClientSessionHandle session, string nameKey, CancellationToken ct)
    {
        var where = Builders<RetiredUserDocument>.Filter;
        return users.Retired.Find(session, where.Eq(u => u.NameHash, database.Names.HashOf(nameKey)) & where.Eq(u => u.Deleted, true)).Limit(1).AnyAsync(ct);
    }
}
