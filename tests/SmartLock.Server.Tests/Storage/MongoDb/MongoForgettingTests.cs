using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Webhooks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>What is left of an account that was deleted, and what becomes of that.</summary>
public sealed class MongoForgettingTests(MongoFixture fixture) : IClassFixture<MongoFixture>, IAsyncLifetime
{
    private static readonly FilterDefinition<BsonDocument> All = Builders<BsonDocument>.Filter.Empty;
    private readonly FakeClock _clock = new(StoreSet.Noon);
    private IServiceProvider _server = null!;
    private StoreSet _stores = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await fixture.StartAsync(_clock);
        _stores = MongoFixture.StoresOf(_server);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>So also what a deletion leaves that was cut short after its transaction.</summary>
    [Fact]
    public async Task What_requests_under_way_wrote_of_a_deleted_account_is_forgotten_a_minute_later_and_its_name_with_it()
    {
        await _stores.CreateUsersAsync("ada", "bob");
        await WebhookAsync("W1", "ada");
        await WebhookAsync("W2", "bob");
        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.Deleted);
        await LeaveTracesAsync("ada");

        await ForgetAsync();
        (await TextOfAllAsync()).ShouldContain("ada", Case.Insensitive, "requests may be under way still");
        _clock.Advance(TimeSpan.FromMinutes(1));
        await ForgetAsync();

        var command = await Collection("commands").Find(All).SingleAsync();
        command["requested_by"].AsString.ShouldMatch("^deleted:[0-9a-f]{8}$");
        command.Contains("idempotency_key").ShouldBeFalse();
        var delivery = await Collection("deliveries").Find(All).SingleAsync();
        (delivery["_id"], delivery["body"].AsString).ShouldBe(("E2", Body(command["requested_by"].AsString)));
        (await TextOfAllAsync()).ShouldNotContain("ada\"", Case.Insensitive);
        (await _stores.Users.FindAsync("bob", default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Of_an_account_nothing_is_left_but_its_id_and_the_hash_of_its_name()
    {
        await _stores.CreateUsersAsync("ada");
        var user = (await _stores.Users.ChangeEmailAsync("ada", "ada@example.org", StoreSet.Noon, default))!;
        await _stores.SecondFactors.BeginAsync("ada", [1], default);
        await _stores.Sessions.OpenAsync(user, new NewSession("S1", [1], StoreSet.Noon, StoreSet.Noon.AddDays(1), null, "local"), 5, default);

        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.Deleted);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await ForgetAsync();

        var left = await Collection(MongoNames.Users).Find(All).SingleAsync();
        left.Names.ShouldBe(["_id", "name_hash", "binding", "deleted", "retired_at"], ignoreOrder: true);
        (await Collection("sessions").CountDocumentsAsync(All)).ShouldBe(0);
        (await _stores.Users.CreateAsync(user, default)).ShouldBe(CreateUserOutcome.NameTaken);
    }

    [Fact]
    public async Task A_log_entry_about_a_deleted_account_names_it_by_the_beginning_of_its_id()
    {
        await _stores.CreateUsersAsync("ada");
        var id = (await Collection(MongoNames.Users).Find(All).SingleAsync())["_id"].AsString;
        var names = _server.GetRequiredService<MongoNames>();
        var stored = await names.ToStoredAsync("ADA", default);
        (await names.ToShownAsync([stored], default))[stored].ShouldBe("ada");

        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.Deleted);

        (await names.ToStoredAsync("ada", default)).ShouldBe(stored);
        (await names.ToShownAsync([stored], default))[stored].ShouldBe($"deleted:{id[..8]}");
    }

    private IMongoCollection<BsonDocument> Collection(string name) => _server.GetRequiredService<MongoDatabase>().Collection(name);

    private Task ForgetAsync() => _server.GetRequiredService<MongoForgetting>().RunAsync(default);

    private Task<DeleteUserOutcome> DeleteAsync(string name) => _stores.Users.DeleteAsync(name, "root", _clock.GetUtcNow(), default);

    private async Task WebhookAsync(string id, string owner)
    {
        var webhook = new Webhook(id, "https://example.com/", ["lock"], null, Active: true, null, StoreSet.Noon);
        (await _server.GetRequiredService<IWebhookStore>().CreateAsync(new NewWebhook(webhook, [1]), owner, 5, default))
            .ShouldBe(CreateWebhookOutcome.Created);
    }

    /// <summary>As requests write them that the account's end overtook.</summary>
    private async Task LeaveTracesAsync(string name)
    {
        await Collection("commands").InsertOneAsync(new BsonDocument
        {
            { "_id", "C1" }, { "device_id", "D1" }, { "requested_by", name }, { "idempotency_key", "mine" },
        });
        await Collection("deliveries").InsertManyAsync([Delivery("E1", "W1"), Delivery("E2", "W2")]);

        BsonDocument Delivery(string deliveryId, string webhookId) => new()
        {
            { "_id", deliveryId }, { "webhook_id", webhookId }, { "number", 1L }, { "event", "command" }, { "body", Body(name) }, { "state", "Pending" },
        };
    }

    private static string Body(string asker) => $$$"""{"data":{"requested_by":"{{{asker}}}"}}""";

    private async Task<string> TextOfAllAsync()
    {
        var text = new StringBuilder();
        var database = _server.GetRequiredService<MongoDatabase>().Raw;
        foreach (var name in await (await database.ListCollectionNamesAsync()).ToListAsync())
        {
            (await database.GetCollection<BsonDocument>(name).Find(All).ToListAsync()).ForEach(d => text.AppendLine(d.ToJson()));
        }

        return text.ToString();
    }
}
