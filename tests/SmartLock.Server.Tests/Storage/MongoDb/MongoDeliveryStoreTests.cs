using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoDeliveryStoreTests(MongoFixture fixture) : DeliveryStoreContract, IClassFixture<MongoFixture>
{
    private IServiceProvider _server = null!;

    private protected override IWebhookStore Webhooks => _server.GetRequiredService<IWebhookStore>();

    private protected override IDeliveryStore Deliveries => _server.GetRequiredService<IDeliveryStore>();

    private IMongoDatabase Database => _server.GetRequiredService<MongoDatabase>().Raw;

    private protected override Task DisableAsync(string username) => Database.GetCollection<BsonDocument>("users").UpdateOneAsync(
        new BsonDocument("username", username),
        new BsonDocument("$set", new BsonDocument("disabled", true)));

    private protected override async Task<IReadOnlyList<string>> LoggedActionsAsync()
    {
        var entries = await Database.GetCollection<BsonDocument>(LogDocument.Collection)
            .Find(new BsonDocument("device_id", "@accounts"))
            .Sort(new BsonDocument("seq", 1))
            .ToListAsync();
        return [.. entries.Select(entry => entry["action"].AsString)];
    }

    private protected override async Task<StoreSet> OpenAsync()
    {
        _server = await fixture.StartAsync();
        return MongoFixture.StoresOf(_server);
    }

    private protected override Task CloseAsync() => Task.CompletedTask;
}
