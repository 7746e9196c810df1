using Microsoft.Extensions.Caching.Memory;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Names in the log are stored as account ids: an account that is deleted takes its name along, and no entry has to be rewritten, which
/// its hash would not allow. That an id is the account's is proven by its binding, both when it is written and when it is read.
/// </summary>
/// <remarks>For use within <see cref="MongoDatabase.ReadAsync{T}"/> or a transaction.</remarks>
internal sealed class MongoNames(MongoDatabase database, AuditChain chain) : IDisposable
{
    /// <summary>
    /// <c>_id</c> is the account's id; <c>name_key</c> is <see cref="KeyOf"/> of <c>username</c>, both absent in a deleted one; <c>name_hash</c> is
    /// <see cref="HashOf"/> of the key, and stays. <c>binding</c> proves that they belong together.
    /// </summary>
    public const string Users = "users";

    private const int MostKept = 10_000;

    private static readonly ProjectionDefinition<BsonDocument> Bound = Builders<BsonDocument>.Projection
        .Include("name_key").Include("username").Include("name_hash").Include("binding");

    private readonly IMongoCollection<BsonDocument> _users = database.Collection(Users);

    /// <summary>Account ids by name keys, of those that were bound: for good, since no name is given a second time.</summary>
    private readonly MemoryCache _ids = new(new MemoryCacheOptions { SizeLimit = MostKept });

    /// <summary>What a user's name is unique under, and what other documents refer to it by.</summary>
    public static string KeyOf(string username) => username.ToUpperInvariant();

    /// <inheritdoc cref="AuditChain.NameHashOf"/>
    public string HashOf(string nameKey) => chain.NameHashOf(nameKey);

    /// <summary>Devices, the system, and names that no account has (an imported entry's) are stored as they are.</summary>
    public async Task<string> ToStoredAsync(string name, CancellationToken ct) => (await ToStoredAsync([name], null, ct))[name];

    /// <summary>All of them, by the names given.</summary>
    /// <param name="session">Of a transaction that may have made the account itself.</param>
    public async Task<IReadOnlyDictionary<string, string>> ToStoredAsync(IEnumerable<string> names, IClientSessionHandle? session, CancellationToken ct)
    {
        var stored = names.Distinct().ToDictionary(name => name, name => name, StringComparer.Ordinal);
        var keys = stored.Keys.Where(LogNames.IsOfAccount).Select(KeyOf).ToHashSet(StringComparer.Ordinal);
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            if (_ids.TryGetValue(key, out string? id))
            {
                known.Add(key, LogNames.Stored(id!));
            }
        }

        keys.ExceptWith(known.Keys);
        foreach (var (key, account) in await FindAsync(keys, null, ct))
        {
            known.Add(key, StoredOf(account, key));
            if (IsOf(account, key))
            {
                _ids.Set(key, account.Id, new MemoryCacheEntryOptions { Size = 1 });
            }
        }

        // Not to be kept: what a transaction has made may yet be undone.
        keys.ExceptWith(known.Keys);
        if (session is not null)
        {
            foreach (var (key, account) in await FindAsync(keys, session, ct))
            {
                known.Add(key, StoredOf(account, key));
            }
        }

        foreach (var name in stored.Keys.Where(LogNames.IsOfAccount).ToArray())
        {
            if (known.TryGetValue(KeyOf(name), out var found))
            {
                stored[name] = found;
            }
        }

        return stored;
    }

    /// <summary>All of them, by what was stored.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ToShownAsync(IEnumerable<string> stored, CancellationToken ct)
    {
        var shown = stored.Distinct().ToDictionary(
            text => text, text => LogNames.AlteredOf(text) is { } nameHash ? AuditActors.Altered(nameHash) : text, StringComparer.Ordinal);
        var ids = shown.Keys.Select(LogNames.AccountIdOf).OfType<string>().ToArray();
        if (ids.Length == 0)
        {
            return shown;
        }

        var found = await _users.Find(Builders<BsonDocument>.Filter.In("_id", ids)).Project(Bound).ToListAsync(ct);
        var accounts = found.Select(ToBinding).ToDictionary(account => account.Id);
        foreach (var id in ids)
        {
            shown[LogNames.Stored(id)] = accounts.GetValueOrDefault(id) switch
            {
                null => AuditActors.Deleted(id),
                { } account when !chain.IsBound(account) => AuditActors.Altered(id),
                { Username: { } username } => username,
                _ => AuditActors.Deleted(id),
            };
        }

        return shown;
    }

    /// <inheritdoc cref="IAuditStore.ReadAccountsAsync"/>
    public async Task<IReadOnlyList<AccountBinding>> ReadAccountsAsync(string? afterId, int limit, CancellationToken ct)
    {
        var found = await _users.Find(Builders<BsonDocument>.Filter.Gt("_id", afterId ?? ""))
            .Sort(Builders<BsonDocument>.Sort.Ascending("_id"))
            .Limit(limit)
            .Project(Bound)
            .ToListAsync(ct);
        return found.ConvertAll(ToBinding);
    }

    public void Dispose() => _ids.Dispose();

    /// <summary>What the two say of one account agrees, and was written by this server.</summary>
    private bool IsOf(AccountBinding account, string nameKey) => chain.IsBound(account) && (account.NameKey ?? nameKey) == nameKey;

    private string StoredOf(AccountBinding account, string nameKey) =>
        IsOf(account, nameKey) ? LogNames.Stored(account.Id) : LogNames.StoredAltered(HashOf(nameKey));

    private static AccountBinding ToBinding(BsonDocument user)
    {
        return new AccountBinding(
            user["_id"].AsString,
            TextOf("name_key"),
            TextOf("username"),
            TextOf("name_hash"),
            user.TryGetValue("binding", out var binding) && binding.IsBsonBinaryData ? binding.AsByteArray : null);

        string? TextOf(string name) => user.TryGetValue(name, out var value) && value.IsString ? value.AsString : null;
    }

    private async Task<Dictionary<string, AccountBinding>> FindAsync(HashSet<string> keys, IClientSessionHandle? session, CancellationToken ct)
    {
        if (keys.Count == 0)
        {
            return [];
        }

        var hashes = keys.ToDictionary(HashOf, key => key);
        var those = Builders<BsonDocument>.Filter.In("name_hash", hashes.Keys);
        var found = await (session is null ? _users.Find(those) : _users.Find(session, those)).Project(Bound).ToListAsync(ct);
        return found.ToDictionary(user => hashes[user["name_hash"].AsString], ToBinding);
    }
}
