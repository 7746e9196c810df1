using MongoDB.Bson.Serialization.Attributes;
using MongoDB.Driver;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What the work of <see cref="MongoDatabase.TransactAsync{T}(Func{MongoTransaction, Task{T}}, CancellationToken)"/> reads and writes with.</summary>
internal sealed class MongoTransaction(MongoDatabase database, MongoChains chains, IClientSessionHandle session, bool searchesEnds, CancellationToken ct)
{
    private readonly HashSet<string> _turns = [];

    /// <summary>For each operation of the transaction, one after another: a session does not take two at once.</summary>
    public IClientSessionHandle Session => session;

    public CancellationToken Ct => ct;

    /// <summary>The chains that entries were appended to, and the accounts that were touched: what others of this process take turns for.</summary>
    public IReadOnlyCollection<string> Turns => _turns;

    /// <summary>How an account is named among the turns.</summary>
    /// <param name="nameKey">See <see cref="MongoNames.KeyOf"/>.</param>
    public static string TurnOf(string nameKey) => "account/" + nameKey;

    /// <summary>Links the entry into its chain.</summary>
    /// <param name="ownershipId">The lock's, for what its owner may read; null where no lock is concerned.</param>
    /// <returns>Its position in the whole log: greater than all before it in its chain.</returns>
    public async Task<long> AppendAsync(NewAuditEntry entry, string? ownershipId)
    {
        _turns.Add(entry.DeviceId);
        return (await chains.AppendAsync(session, [new PendingEntry(entry, ownershipId)], searchesEnds, ct))[0];
    }

    /// <summary>Links the entries into their chains, in this order within each: as many round trips as for one.</summary>
    public Task<IReadOnlyList<long>> AppendAsync(IReadOnlyList<(NewAuditEntry Entry, string? OwnershipId)> entries)
    {
        _turns.UnionWith(entries.Select(e => e.Entry.DeviceId));
        return chains.AppendAsync(session, [.. entries.Select(e => new PendingEntry(e.Entry, e.OwnershipId))], searchesEnds, ct);
    }

    /// <summary>Links those into their chains whose keys are not there yet.</summary>
    public Task AppendMissingAsync(IReadOnlyList<PendingEntry> entries)
    {
        _turns.UnionWith(entries.Select(e => e.Entry.DeviceId));
        return chains.AppendMissingAsync(session, entries, searchesEnds, ct);
    }

    /// <summary>
    /// Makes this transaction conflict with every other one that touches the same account, so that one of the two runs again and sees what the other
    /// did. Needed where a transaction counts what others may add to (locks, shares or webhooks of an account), or relies on the account being there
    /// while another may delete it: snapshots alone keep neither from happening. A deletion touches the account as well.
    /// </summary>
    /// <param name="nameKey">See <see cref="MongoNames.KeyOf"/>.</param>
    public Task TouchAccountAsync(string nameKey)
    {
        _turns.Add(TurnOf(nameKey));
        return database.Collection<AccountGuardDocument>(AccountGuardDocument.Collection).UpdateOneAsync(
            session,
            Builders<AccountGuardDocument>.Filter.Eq(g => g.NameHash, database.Names.HashOf(nameKey)),
            Builders<AccountGuardDocument>.Update.Inc(g => g.Count, 1),
            new UpdateOptions { IsUpsert = true },
            ct);
    }
}

/// <summary>What <see cref="MongoTransaction.TouchAccountAsync"/> writes: one document per account, without its name.</summary>
internal sealed record AccountGuardDocument : IMongoDocument<AccountGuardDocument>
{
    public static string Collection => "account_guards";

    public static IEnumerable<CreateIndexModel<AccountGuardDocument>> Indexes => [];

    [BsonId]
    public required string NameHash { get; init; }

    [BsonElement("n")]
    public long Count { get; init; }
}
