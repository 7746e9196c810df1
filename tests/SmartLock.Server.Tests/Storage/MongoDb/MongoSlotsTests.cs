using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoSlotsTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private static readonly FilterDefinition<BsonDocument> Ada = Builders<BsonDocument>.Filter.Eq(LockFields.OwnerKey, "ADA");

    [Fact]
    public async Task Those_who_look_at_once_seldom_find_the_same()
    {
        var documents = await StartAsync();
        await HoldAsync(documents, 0, 7);

        var found = await FindManyAsync(documents, limit: 1_000, tries: 0);

        found.Distinct().Count().ShouldBeGreaterThan(8);
        found.ShouldAllBe(slot => slot > 7 && slot <= 7 + 32);
    }

    [Fact]
    public async Task The_more_others_were_first_the_farther_apart_they_look_and_never_beyond_the_limit()
    {
        var documents = await StartAsync();
        await HoldAsync(documents, 0);

        (await FindManyAsync(documents, limit: 1_000_000, tries: 200)).Max()!.Value.ShouldBeInRange(64, 1 << 12);
        (await FindManyAsync(documents, limit: 10, tries: 200)).ShouldAllBe(slot => slot >= 1 && slot < 10);
    }

    [Fact]
    public async Task Gaps_are_used_once_the_last_number_is()
    {
        var documents = await StartAsync();
        await HoldAsync(documents, 0, 2, 4);

        (await FindManyAsync(documents, limit: 5, tries: 0)).Distinct().Order().ShouldBe([1, 3]);
        await HoldAsync(documents, 1, 3);
        (await FindManyAsync(documents, limit: 5, tries: 0)).Distinct().ShouldBe([null]);
    }

    private static async Task<IReadOnlyList<int?>> FindManyAsync(IMongoCollection<BsonDocument> documents, int limit, int tries)
    {
        const int Many = 40;
        return await Task.WhenAll(Enumerable.Range(0, Many).Select(_ => MongoSlots.FindFreeAsync(documents, Ada, limit, tries, default)));
    }

    private static Task HoldAsync(IMongoCollection<BsonDocument> documents, params int[] slots) => documents.InsertManyAsync(slots.Select(slot => new BsonDocument
    {
        { LockFields.Id, $"D{slot}" },
        { LockFields.OwnerKey, "ADA" },
        { LockFields.Slot, slot },
    }));

    private async Task<IMongoCollection<BsonDocument>> StartAsync() =>
        (await fixture.StartAsync()).GetRequiredService<MongoLocks>().Documents;
}
