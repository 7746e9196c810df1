using MongoDB.Driver;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A lock's document holds its state, its owner and its shares: what is read of it is of one moment.</summary>
internal sealed class MongoLiveStore(MongoDatabase database) : ILiveStore
{
    private readonly IMongoCollection<LockDocument> _locks = database.Collection<LockDocument>(LockDocument.Collection);

    public async Task<IReadOnlyDictionary<string, LiveLock>> FindAsync(IReadOnlyCollection<string> deviceIds, DateTimeOffset now, CancellationToken ct)
    {
        if (deviceIds.Count == 0)
        {
            return new Dictionary<string, LiveLock>();
        }

        var found = await database.ReadAsync(token => _locks.Find(Builders<LockDocument>.Filter.In(l => l.DeviceId, deviceIds)).ToListAsync(token), ct);
        return found.ToDictionary(l => l.DeviceId, l => Read(l, now), StringComparer.Ordinal);
    }

    private static LiveLock Read(LockDocument found, DateTimeOffset now)
    {
        // An owner needs no share, and would be told twice.
        var sharers = found.HeldShares(now).Where(s => s.NameKey != found.OwnerKey).Select(s => new LiveViewer(s.NameKey, s.Access));
        return new LiveLock(
            new LockEvent(found.DeviceId, found.Status, found.State, found.Issue, found.LastSeen),
            [new LiveViewer(found.Owner, LockAccess.Owner), .. sharers],
            found.OwnedSince);
    }
}
