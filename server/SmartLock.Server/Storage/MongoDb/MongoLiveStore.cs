using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Live;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A lock's document holds its state, its owner and its shares: what is read of it is of one moment.</summary>
internal sealed class MongoLiveStore(MongoDatabase database) : ILiveStore
{
    private static readonly ProjectionDefinition<BsonDocument> Seen = Builders<BsonDocument>.Projection
        .Include(LockFields.Status)
        .Include(LockFields.State)
        .Include(LockFields.Issue)
        .Include(LockFields.LastSeen)
        .Include(LockFields.Owner)
        .Include(LockFields.OwnedSince)
        .Include(LockFields.Shares);

    private readonly IMongoCollection<BsonDocument> _locks = database.Collection(LockFields.Collection);

    public async Task<IReadOnlyDictionary<string, LiveLock>> FindAsync(IReadOnlyCollection<string> deviceIds, DateTimeOffset now, CancellationToken ct)
    {
        if (deviceIds.Count == 0)
        {
            return new Dictionary<string, LiveLock>();
        }

        var stored = await database.ReadAsync(
            token => _locks.Find(Builders<BsonDocument>.Filter.In("_id", deviceIds) & MongoAccess.IsThere).Project(Seen).ToListAsync(token),
            ct);
        return stored.ToDictionary(l => l["_id"].AsString, l => Read(l, now), StringComparer.Ordinal);
    }

    private static LiveLock Read(BsonDocument stored, DateTimeOffset now)
    {
        var change = new LockEvent(
            stored["_id"].AsString,
            stored.Enum<LockStatus>(LockFields.Status),
            stored.Enum<LockState>(LockFields.State),
            stored.TextOrNull(LockFields.Issue),
            stored.TimeOrNull(LockFields.LastSeen));
        var owner = stored[LockFields.Owner].AsString;

        // An owner needs no share, and would be told twice.
        var sharers = MongoAccess.HeldShares(stored, now)
            .Where(s => !s["name_key"].AsString.Equals(owner, StringComparison.OrdinalIgnoreCase))
            .Select(s => new LiveViewer(s["name_key"].AsString, s.Enum<LockAccess>("role")));
        return new LiveLock(change, [new LiveViewer(owner, LockAccess.Owner), .. sharers], stored.TimeOrNull(LockFields.OwnedSince));
    }
}
