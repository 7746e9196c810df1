using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Replicas;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>One document per lease, its name the <c>_id</c>: of two who would make it at once the index lets one.</summary>
internal sealed class MongoLeaseStore(MongoDatabase database) : ILeaseStore
{
    private const string Holder = "holder";
    private const string Until = "until";

    private IMongoCollection<BsonDocument> Leases => database.Collection("leases");

    public Task<bool> TryTakeAsync(string name, string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken ct)
    {
        var filter = Builders<BsonDocument>.Filter;
        var isFree = filter.Eq(Holder, holder)
            | filter.Lte(Until, now.ToUnixTimeMilliseconds())
            | filter.Gt(Until, (now + ILeaseStore.Longest).ToUnixTimeMilliseconds());
        var taken = Builders<BsonDocument>.Update.Set(Holder, holder).Set(Until, until.ToUnixTimeMilliseconds());
        return database.ReadAsync(
            async token =>
            {
                try
                {
                    await Leases.UpdateOneAsync(filter.Eq("_id", name) & isFree, taken, new UpdateOptions { IsUpsert = true }, token);
                    return true;
                }
                catch (MongoException e) when (MongoErrors.IsDuplicateKey(e))
                {
                    // It is there, and another's.
                    return false;
                }
            },
            ct);
    }

    public Task ReleaseAsync(string name, string holder, CancellationToken ct) =>
        database.ReadAsync(token => Leases.DeleteOneAsync(new BsonDocument { ["_id"] = name, [Holder] = holder }, token), ct);
}
