using System.Security.Cryptography;
using System.Text;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Names in the log are stored as account ids: an account that is deleted takes its name along, and no entry has to be rewritten, which
/// its hash would not allow.
/// </summary>
internal sealed class MongoNames(MongoDatabase database)
{
    /// <summary>
    /// <c>_id</c> is the account's id; <c>name_key</c> is <see cref="KeyOf"/> of <c>username</c>, both absent in a deleted one; <c>name_hash</c> is
    /// <see cref="HashOf"/> of the key, and stays.
    /// </summary>
    public const string Users = "users";

    private const string Prefix = "user:";

    private readonly IMongoCollection<BsonDocument> _users = database.Collection(Users);

    /// <summary>What a user's name is unique under, and what other documents refer to it by.</summary>
    public static string KeyOf(string username) => username.ToUpperInvariant();

    /// <summary>How the log names an account.</summary>
    public static string Stored(string accountId) => Prefix + accountId;

    /// <summary>What a retired account's name is kept as: enough to know it again, and never to give it to anybody else.</summary>
    public static string HashOf(string nameKey) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(nameKey)));

    /// <summary>Devices, the system, and names that no account has (an imported entry's) are stored as they are.</summary>
    public async Task<string> ToStoredAsync(string name, CancellationToken ct) => (await ToStoredAsync([name], ct))[name];

    /// <summary>All of them, by the names given.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ToStoredAsync(IEnumerable<string> names, CancellationToken ct)
    {
        var stored = names.Distinct().ToDictionary(name => name, name => name, StringComparer.Ordinal);
        var keys = stored.Keys.Where(IsOfAccount).Select(KeyOf).Distinct().ToArray();
        if (keys.Length == 0)
        {
            return stored;
        }

        var ids = await FindIdsAsync(keys, ct);
        foreach (var name in stored.Keys.Where(IsOfAccount).ToArray())
        {
            if (ids.TryGetValue(KeyOf(name), out var id))
            {
                stored[name] = Prefix + id;
            }
        }

        return stored;
    }

    /// <summary>All of them, by what was stored.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ToShownAsync(IEnumerable<string> stored, CancellationToken ct)
    {
        var shown = stored.Distinct().ToDictionary(text => text, text => text, StringComparer.Ordinal);
        var ids = shown.Keys.Where(text => text.StartsWith(Prefix, StringComparison.Ordinal)).Select(text => text[Prefix.Length..]).ToArray();
        if (ids.Length == 0)
        {
            return shown;
        }

        var users = await database.RunAsync(
            token => _users.Find(Builders<BsonDocument>.Filter.In("_id", ids) & Builders<BsonDocument>.Filter.Exists("username"))
                .Project(Builders<BsonDocument>.Projection.Include("username"))
                .ToListAsync(token),
            ct);
        var names = users.ToDictionary(user => user["_id"].AsString, user => user["username"].AsString);
        foreach (var id in ids)
        {
            shown[Prefix + id] = names.GetValueOrDefault(id) ?? AuditActors.Deleted(id);
        }

        return shown;
    }

    private static bool IsOfAccount(string name) => name != AuditActors.System && !name.Contains(':', StringComparison.Ordinal);

    private async Task<Dictionary<string, string>> FindIdsAsync(string[] keys, CancellationToken ct)
    {
        var hashes = keys.ToDictionary(HashOf, key => key);
        var found = await database.RunAsync(
            token => _users.Find(Builders<BsonDocument>.Filter.In("name_hash", hashes.Keys))
                .Project(Builders<BsonDocument>.Projection.Include("name_hash"))
                .ToListAsync(token),
            ct);
        return found.ToDictionary(user => hashes[user["name_hash"].AsString], user => user["_id"].AsString);
    }
}
