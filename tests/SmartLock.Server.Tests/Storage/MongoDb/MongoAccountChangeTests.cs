using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoAccountChangeTests(MongoFixture fixture) : AccountChangeContract, IClassFixture<MongoFixture>
{
    private MongoDatabase _database = null!;

    private protected override async Task<StoreSet> OpenAsync()
    {
        var server = await fixture.StartAsync();
        _database = server.GetRequiredService<MongoDatabase>();
        return MongoFixture.StoresOf(server);
    }

    /// <summary>Within the ownership that ends, so that the new owner may see what was.</summary>
    private protected override Task GiveAwayAsync(string deviceId, string owner) => _database.Collection("locks").UpdateOneAsync(
        Builders<BsonDocument>.Filter.Eq("_id", deviceId),
        Builders<BsonDocument>.Update.Set("owner", owner).Set("owner_key", MongoNames.KeyOf(owner)));

    private protected override Task CloseAsync() => Task.CompletedTask;
}
