using MongoDB.Bson;
using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

internal static class MongoBulk
{
    private static readonly BulkWriteOptions InAnyOrder = new() { IsOrdered = false };
    private static readonly InsertManyOptions InsertInAnyOrder = new() { IsOrdered = false };

    /// <returns>How many documents were matched or inserted; 0 when some lost a race, and only the documents tell which did not.</returns>
    public static async Task<long> WriteAsync(this IMongoCollection<BsonDocument> collection, IEnumerable<WriteModel<BsonDocument>> writes, CancellationToken ct)
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

    /// <summary>Those that are not there yet.</summary>
    public static async Task InsertMissingAsync(this IMongoCollection<BsonDocument> collection, IReadOnlyCollection<BsonDocument> documents, CancellationToken ct)
    {
        if (documents.Count == 0)
        {
            return;
        }

        try
        {
            await collection.InsertManyAsync(documents, InsertInAnyOrder, ct);
        }
        catch (MongoBulkWriteException e) when (MongoErrors.IsDuplicateKey(e))
        {
            // Another server was first with these.
        }
    }
}
