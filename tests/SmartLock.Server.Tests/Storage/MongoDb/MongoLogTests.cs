using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Audit;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoLogTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    [Fact]
    public async Task Entries_stand_in_their_chains_in_order()
    {
        var server = await fixture.StartAsync();
        var log = server.GetRequiredService<MongoLog>();
        for (var i = 1; i <= 3; i++)
        {
            await log.AppendAsync([await log.PrepareAsync(Entry("D1", $"r{i}"), null, default)], default);
        }

        var logs = server.GetRequiredService<MongoDatabase>().Collection(MongoChains.Logs);
        var found = await MongoDB.Driver.IAsyncCursorSourceExtensions.ToListAsync(
            MongoDB.Driver.IMongoCollectionExtensions.Find(logs, new MongoDB.Bson.BsonDocument()));
        found.Select(e => $"{e["seq"]} {e["result"]}").Order().ShouldBe(["1 r1", "2 r2", "3 r3"]);
    }

    private static NewAuditEntry Entry(string deviceId, string result) => new(StoreSet.Noon, deviceId, "system", "lock.state", result);
}
