using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// What the database deletes by itself when its time is long over, should no server's job have done it. By the database's own clock, so it belongs to a
/// server in operation and not to stores whose clock is another.
/// </summary>
internal sealed class MongoExpiry(MongoSessions sessions) : IMongoSetup
{
    public Task SetUpAsync(CancellationToken ct) =>
        sessions.Documents.Indexes.CreateOneAsync(
            new CreateIndexModel<SessionDocument>(
                Builders<SessionDocument>.IndexKeys.Ascending(s => s.PurgeAt),
                new CreateIndexOptions { Name = "purge", ExpireAfter = TimeSpan.Zero }),
            cancellationToken: ct);
}
