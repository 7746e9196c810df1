using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

internal static class MongoBulk
{
    public static readonly BulkWriteOptions InAnyOrder = new() { IsOrdered = false };

    /// <summary>Outside of a transaction.</summary>
    /// <returns>How many documents were matched or inserted; 0 when some lost a race, and only the documents tell which did not.</returns>
    public static async Task<long> WriteAsync<T>(this IMongoCollection<T> collection, IEnumerable<WriteModel<T>> writes, CancellationToken ct)
    {
        try
        {
            var result = await collection.BulkWriteAsync(writes, InAnyOrder, ct);
            return result.MatchedCount + result.InsertedCount;
        }
        catch (MongoBulkWriteException e) when (MongoErrors.IsLost(e))
        {
            return 0;
        }
    }
}
