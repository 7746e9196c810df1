using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Drains what a process that was killed amid a change has left in outboxes. All replicas do it: an entry is appended once whoever drains it, and
/// there is nothing to find while nobody is killed.
/// </summary>
internal sealed partial class MongoOutboxSweep(
    MongoDatabase database,
    MongoLog log,
    IEnumerable<IMongoOutbox> outboxes,
    TimeProvider time,
    ILogger<MongoOutboxSweep> logger) : BackgroundService
{
    /// <summary>Younger entries are being drained by who pushed them.</summary>
    public static readonly TimeSpan LeftAfter = TimeSpan.FromSeconds(5);

    private const int DrainedAtOnce = 500;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    /// <returns>How many documents were drained.</returns>
    /// <exception cref="StoreUnavailableException">The next run goes on.</exception>
    public async Task<int> RunAsync(CancellationToken ct)
    {
        var found = 0;
        foreach (var outbox in outboxes)
        {
            found += await DrainAsync(database.Collection(outbox.Collection), ct);
            await outbox.FinishAsync(ct);
        }

        if (found > 0)
        {
            LogDrained(found);
        }

        return found;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => LastingLoop.RunAsync(TurnAsync, LogPutOff, time, stoppingToken);

    private async Task TurnAsync(CancellationToken ct)
    {
        await RunAsync(ct);
        await Task.Delay(Every, time, ct);
    }

    private async Task<int> DrainAsync(IMongoCollection<BsonDocument> collection, CancellationToken ct)
    {
        var before = (time.GetUtcNow() - LeftAfter).ToUnixTimeMilliseconds();
        var filter = Builders<BsonDocument>.Filter;
        var left = await database.ReadAsync(
            token => collection.Find(filter.Gt(OutboxEntry.AtField, 0L) & filter.Lt(OutboxEntry.AtField, before))
                .Limit(DrainedAtOnce)
                .Project(Builders<BsonDocument>.Projection.Include("_id"))
                .ToListAsync(token),
            ct);
        if (left.Count > 0)
        {
            await log.DrainAsync(collection, [.. left.Select(d => d["_id"])], ct);
        }

        return left.Count;
    }

    [LoggerMessage(2120, LogLevel.Warning, "{Count} documents held log entries that a server left when it ended amid a change; they stand in the log now")]
    private partial void LogDrained(int count);

    [LoggerMessage(2121, LogLevel.Warning, "The search for log entries that were left behind was put off")]
    private partial void LogPutOff(Exception exception);
}
