using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>An account that is deleted at one server while it gets something at another.</summary>
public sealed class MongoDeletionRaceTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const int Rounds = 12;
    private static readonly byte[] Code = SHA256.HashData([1]);

    [Fact]
    public async Task It_is_deleted_or_has_the_lock_that_it_registers_and_never_both()
    {
        var (one, two) = await StartAsync();
        for (var i = 0; i < Rounds; i++)
        {
            var name = $"ada{i}";
            await one.CreateUsersAsync(name);

            await RaceAsync(one, name, two.RegisterAsync($"D{i}", name), o => o is RegisterLockOutcome.Registered);
        }
    }

    [Fact]
    public async Task Nor_the_one_that_it_claims()
    {
        var (one, two) = await StartAsync();
        for (var i = 0; i < Rounds; i++)
        {
            var (name, deviceId) = ($"ada{i}", $"D{i}");
            await one.CreateUsersAsync(name);
            var pairing = new NewPairing(deviceId, [1], false, Code, StoreSet.Noon, StoreSet.Noon.AddDays(1));
            await one.Pairings.AddAsync(pairing, "boss", default);

            var claim = two.Pairings.ClaimAsync(new LockChange(deviceId, name, StoreSet.Noon), "Hall", Code, 10, default);
            await RaceAsync(one, name, claim, r => r.Outcome is ClaimOutcome.Claimed);
        }
    }

    [Fact]
    public async Task Nor_the_one_that_it_is_given()
    {
        var (one, two) = await StartAsync();
        await one.CreateUsersAsync("bob");
        for (var i = 0; i < Rounds; i++)
        {
            var (name, deviceId) = ($"ada{i}", $"D{i}");
            await one.CreateUsersAsync(name);
            await one.RegisterAsync(deviceId, "bob");

            var giving = two.LockAdmin.ReassignAsync(new LockChange(deviceId, "boss", StoreSet.Noon), name, 10, default);
            await RaceAsync(one, name, giving, r => r.Outcome is ReassignOutcome.Reassigned);
        }
    }

    [Fact]
    public async Task Nor_a_share_or_a_webhook_that_it_is_given_meanwhile()
    {
        var (one, two) = await StartAsync();
        await one.CreateUsersAsync("bob");
        await one.RegisterAsync("D1", "bob");
        var webhooks = _servers[1].GetRequiredService<IWebhookStore>();
        for (var i = 0; i < Rounds; i++)
        {
            var name = $"ada{i}";
            await one.CreateUsersAsync(name);
            var webhook = new Webhook($"H{i}", "https://example.com/", ["lock"], null, Active: true, null, StoreSet.Noon);
            var sharing = two.Shares.GrantAsync(
                new LockChange("D1", "bob", StoreSet.Noon), new Share(name, ShareRole.Operator, null, null, StoreSet.Noon), 100, default);
            var making = webhooks.CreateAsync(new NewWebhook(webhook, [1]), name, 10, default);

            (await one.Users.DeleteAsync(name, name, StoreSet.Noon, default)).ShouldBe(DeleteUserOutcome.Deleted);
            await Task.WhenAll(sharing, making);

            (await one.Shares.ListAsync("D1", "bob", StoreSet.Noon, default)).Shares.ShouldBe([]);
            (await Documents("webhooks").CountDocumentsAsync("{}")).ShouldBe(0);
        }
    }

    [Fact]
    public async Task Its_shares_and_webhooks_go_with_it_and_its_name_out_of_others_deliveries()
    {
        var (one, two) = await StartAsync();
        await one.CreateUsersAsync("ada", "bob");
        await one.RegisterAsync("D1");
        await one.ShareAsync("D1", "bob", ShareRole.Operator);
        var (webhooks, deliveries) = (Get<IWebhookStore>(), Get<IDeliveryStore>());
        foreach (var (id, owner) in new[] { ("H1", "ada"), ("H2", "bob") })
        {
            var webhook = new Webhook(id, "https://example.com/", ["lock"], null, Active: true, null, StoreSet.Noon);
            (await webhooks.CreateAsync(new NewWebhook(webhook, [1]), owner, 10, default)).ShouldBe(CreateWebhookOutcome.Created);
            var body = "{\"requested_by\":\"bob\",\"name\":\"$bob\"}"u8.ToArray();
            await deliveries.EnqueueAsync([new NewDelivery($"D{id}", id, "lock", "D1", body, StoreSet.Noon, StoreSet.Noon.AddDays(1))], 10, default);
        }

        (await two.Users.DeleteAsync("bob", "bob", StoreSet.Noon, default)).ShouldBe(DeleteUserOutcome.Deleted);

        (await one.Shares.ListAsync("D1", "ada", StoreSet.Noon, default)).Shares.ShouldBe([]);
        (await webhooks.FindAsync("H2", "bob", default)).ShouldBeNull();
        var left = await Documents("deliveries").Find("{}").ToListAsync();
        var told = left.ShouldHaveSingleItem()["body"].AsString;
        told.ShouldMatch("^{\"requested_by\":\"deleted:[0-9a-f]{8}\",\"name\":\"\\$bob\"}$");
    }

    private readonly List<IServiceProvider> _servers = [];

    private async Task<(StoreSet One, StoreSet Two)> StartAsync()
    {
        _servers.Add(await fixture.StartAsync());
        _servers.Add(fixture.AddServer());
        return (MongoFixture.StoresOf(_servers[0]), MongoFixture.StoresOf(_servers[1]));
    }

    private T Get<T>()
        where T : notnull => _servers[0].GetRequiredService<T>();

    private IMongoCollection<BsonDocument> Documents(string collection) => Get<MongoDatabase>().Collection(collection);

    private async Task RaceAsync<T>(StoreSet stores, string name, Task<T> getting, Func<T, bool> isHis)
    {
        var deleting = stores.Users.DeleteAsync(name, name, StoreSet.Noon, default);
        var deleted = await deleting is DeleteUserOutcome.Deleted;
        var got = isHis(await getting);

        (deleted && got).ShouldBeFalse(name);
        var key = MongoNames.KeyOf(name);
        (await Documents("locks").CountDocumentsAsync(new BsonDocument("owner_key", key))).ShouldBe(got ? 1 : 0, name);
    }
}
