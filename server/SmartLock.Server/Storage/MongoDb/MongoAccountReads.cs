using MongoDB.Bson;
using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What the stores of other features ask about accounts.</summary>
internal sealed class MongoAccountReads(MongoDatabase database)
{
    private const string NameKey = "name_key";
    private const string Username = "username";

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    private readonly IMongoCollection<BsonDocument> _users = database.Collection(MongoNames.Users);

    private static FilterDefinition<BsonDocument> IsThere => Filter.Ne("deleted", true);

    private static FilterDefinition<BsonDocument> IsEnabled => IsThere & Filter.Ne("disabled", true);

    /// <summary>The account's name as it was chosen; null when there is none that is enabled.</summary>
    public async Task<string?> FindEnabledAsync(string username, CancellationToken ct)
    {
        var found = await FindAsync(Filter.Eq(NameKey, MongoNames.KeyOf(username)) & IsEnabled, ct);
        return found.Count == 0 ? null : found[0][Username].AsString;
    }

    /// <summary>Which of these accounts are enabled, by their keys.</summary>
    public async Task<IReadOnlySet<string>> EnabledAsync(IEnumerable<string> nameKeys, CancellationToken ct) =>
        KeysOf(await FindAsync(Filter.In(NameKey, nameKeys) & IsEnabled, ct));

    /// <summary>Which of these accounts there are, enabled or not, by their keys.</summary>
    public async Task<IReadOnlySet<string>> PresentAsync(IEnumerable<string> nameKeys, CancellationToken ct) =>
        KeysOf(await FindAsync(Filter.In(NameKey, nameKeys) & IsThere, ct));

    /// <summary>
    /// Deleted, or about to be. Asked after a reservation was written and before it is used; the deletion marks the account first and looks for
    /// reservations then, so that of the two at least one sees the other.
    /// </summary>
    public Task<bool> IsGoneAsync(string nameKey, CancellationToken ct) => database.ReadAsync(
        token => _users.Find(Filter.Eq("name_hash", MongoNames.HashOf(nameKey)) & Filter.Eq("deleted", true)).Limit(1).AnyAsync(token),
        ct);

    private static HashSet<string> KeysOf(List<BsonDocument> users) => users.Select(user => user[NameKey].AsString).ToHashSet(StringComparer.Ordinal);

    private Task<List<BsonDocument>> FindAsync(FilterDefinition<BsonDocument> filter, CancellationToken ct) => database.ReadAsync(
        token => _users.Find(filter)
            .Project(Builders<BsonDocument>.Projection.Include(NameKey).Include(Username))
            .ToListAsync(token),
        ct);
}
