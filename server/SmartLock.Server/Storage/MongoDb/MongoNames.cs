using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Memory;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Names in the log are stored as account ids: an account that is deleted takes its name along, and no entry has to be rewritten, which
/// its hash would not allow.
/// </summary>
/// <remarks>For use within <see cref="MongoDatabase.ReadAsync{T}"/> or a transaction.</remarks>
internal sealed class MongoNames(MongoDatabase database) : IDisposable
{
    /// <summary>
    /// <c>_id</c> is the account's id; <c>name_key</c> is <see cref="KeyOf"/> of <c>username</c>, both absent in a deleted one; <c>name_hash</c> is
    /// <see cref="HashOf"/> of the key, and stays.
    /// </summary>
    public const string Users = "users";

    private const string Prefix = "user:";
    private const int MostKept = 10_000;

    private readonly IMongoCollection<BsonDocument> _users = database.Collection(Users);

    /// <summary>Account ids by name keys: for good, since no name is given a second time.</summary>
    private readonly MemoryCache _ids = new(new MemoryCacheOptions { SizeLimit = MostKept });

    /// <summary>What a user's name is unique under, and what other documents refer to it by.</summary>
    public static string KeyOf(string username) => username.ToUpperInvariant();

    /// <summary>How the log names an account.</summary>
    public static string Stored(string accountId) => Prefix + accountId;

    /// <summary>What a retired account's name is kept as: enough to know it again, and never to give it to anybody else.</summary>
    public static string HashOf(string nameKey) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(nameKey)));

    /// <summary>Devices, the system, and names that no account has (an imported entry's) are stored as they are.</summary>
    public async Task<string> ToStoredAsync(string name, CancellationToken ct) => (await ToStoredAsync([name], null, ct))[name];

    /// <summary>All of them, by the names given.</summary>
    /// <param name="session">Of a transaction that may have made the account itself.</param>
    public async Task<IReadOnlyDictionary<string, string>> ToStoredAsync(IEnumerable<string> names, IClientSessionHandle? session, CancellationToken ct)
    {
        var stored = names.Distinct().ToDictionary(name => name, name => name, StringComparer.Ordinal);
        var keys = stored.Keys.Where(IsOfAccount).Select(KeyOf).ToHashSet(StringComparer.Ordinal);
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            if (_ids.TryGetValue(key, out string? id))
            {
                ids.Add(key, id!);
            }
        }

        keys.ExceptWith(ids.Keys);
        foreach (var (key, id) in await FindIdsAsync(keys, null, ct))
        {
            ids.Add(key, id);
            _ids.Set(key, id, new MemoryCacheEntryOptions { Size = 1 });
        }

        // Not to be kept: what a transaction has made may yet be undone.
        keys.ExceptWith(ids.Keys);
        if (session is not null)
        {
            foreach (var (key, id) in await FindIdsAsync(keys, session, ct))
            {
                ids.Add(key, id);
            }
        }

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

        var users = await _users.Find(Builders<BsonDocument>.Filter.In("_id", ids) & Builders<BsonDocument>.Filter.Exists("username"))
            .Project(Builders<BsonDocument>.Projection.Include("username"))
            .ToListAsync(ct);
        var names = users.ToDictionary(user => user["_id"].AsString, user => user["username"].AsString);
        foreach (var id in ids)
        {
            shown[Prefix + id] = names.GetValueOrDefault(id) ?? AuditActors.Deleted(id);
        }

        return shown;
    }

    public void Dispose() => _ids.Dispose();

    private static bool IsOfAccount(string name) => name != AuditActors.System && !name.Contains(':', StringComparison.Ordinal);

    private async Task<Dictionary<string, string>> FindIdsAsync(HashSet<string> keys, IClientSessionHandle? session, CancellationToken ct)
    {
        if (keys.Count == 0)
        {
            return [];
        }

        var hashes = keys.ToDictionary(HashOf, key => key);
        var those = Builders<BsonDocument>.Filter.In("name_hash", hashes.Keys);
        var found = await (session is null ? _users.Find(those) : _users.Find(session, those))
            .Project(Builders<BsonDocument>.Projection.Include("name_hash"))
            .ToListAsync(ct);
        return found.ToDictionary(user => hashes[user["name_hash"].AsString], user => user["_id"].AsString);
    }
}
