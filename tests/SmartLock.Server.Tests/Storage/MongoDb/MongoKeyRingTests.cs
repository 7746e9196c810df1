using System.Security.Cryptography;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoKeyRingTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const string Secret = "c2VjcmV0IG9mIGEga2V5";

    [Fact]
    public async Task Keys_are_shared_and_lie_in_the_store_encrypted()
    {
        var server = await fixture.StartAsync();
        server.GetRequiredService<MongoKeyRing>().StoreElement(new XElement("key", new XElement("value", Secret)), "key-1");

        var read = fixture.AddServer().GetRequiredService<MongoKeyRing>().GetAllElements().ShouldHaveSingleItem();

        read.Element("value")!.Value.ShouldBe(Secret);
        var stored = await Keys(server).Find(Builders<BsonDocument>.Filter.Empty).ToListAsync();
        stored.ShouldNotContain(d => d.ToJson().Contains(Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_that_was_altered_or_put_in_anothers_place_is_not_read()
    {
        var server = await fixture.StartAsync();
        var ring = server.GetRequiredService<MongoKeyRing>();
        ring.StoreElement(new XElement("key", "a"), "key-1");
        var stored = await Keys(server).Find(Builders<BsonDocument>.Filter.Exists("encrypted")).SingleAsync();
        stored["_id"] = "another";
        await Keys(server).InsertOneAsync(stored);

        Should.Throw<CryptographicException>(() => ring.GetAllElements());
    }

    [Fact]
    public async Task A_server_with_another_audit_key_does_not_use_the_store()
    {
        await (await fixture.StartAsync()).GetRequiredService<MongoKeyRing>().SetUpAsync(default);
        var other = fixture.AddServer(chain: new AuditChain([.. Enumerable.Range(101, 32).Select(i => (byte)i)]));

        var failure = await Should.ThrowAsync<StartupException>(() =>
            other.GetRequiredService<IAuditStore>().ListAllAsync(AuditFilter.None, null, 1, default));

        failure.Message.ShouldContain("Audit:Key");
    }

    private static IMongoCollection<BsonDocument> Keys(IServiceProvider server) =>
        server.GetRequiredService<MongoDatabase>().Collection(MongoKeyRing.Collection);
}
