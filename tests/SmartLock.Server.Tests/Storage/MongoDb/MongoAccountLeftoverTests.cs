using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>What a process that was killed between two writes leaves, and what becomes of it.</summary>
public sealed class MongoAccountLeftoverTests(MongoFixture fixture) : IClassFixture<MongoFixture>, IAsyncLifetime
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;
    private readonly FakeClock _clock = new(StoreSet.Noon);
    private IServiceProvider _server = null!;
    private StoreSet _stores = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await fixture.StartAsync(_clock);
        _stores = MongoFixture.StoresOf(_server);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task An_admin_left_while_stepping_down_is_still_one_and_counts_again_a_minute_later()
    {
        await UserAsync("ada", Role.Admin);
        await UserAsync("bob", Role.Admin);
        var step = await _server.GetRequiredService<MongoAdmins>().StepDownAsync((await DocumentAsync("ada"))["_id"], default);
        step.Outcome.ShouldBe(StepDownOutcome.Free);

        (await DisableAsync("bob")).ShouldBe(UpdateUserOutcome.LastAdmin, "ada may be disabled any moment");

        _clock.Advance(TimeSpan.FromMinutes(1));
        (await DisableAsync("bob")).ShouldBe(UpdateUserOutcome.Updated);
        (await DisableAsync("ada")).ShouldBe(UpdateUserOutcome.LastAdmin);
        (await Users.Find(MongoAdmins.HasMark(step.Mark!)).AnyAsync()).ShouldBeFalse("what comes back after so long must not go on");
    }

    [Fact]
    public async Task Admins_that_a_killed_process_made_and_did_not_count_are_counted_when_it_matters()
    {
        await UserAsync("ada", Role.Admin);
        await UserAsync("bob", Role.Admin);
        await Collection("admins").DeleteManyAsync(Where.Empty);

        (await DisableAsync("ada")).ShouldBe(UpdateUserOutcome.Updated);
        (await DisableAsync("bob")).ShouldBe(UpdateUserOutcome.LastAdmin);
    }

    [Fact]
    public async Task A_deletion_left_before_it_was_decided_is_none()
    {
        await UserAsync("ada");
        await Users.UpdateOneAsync(
            MongoUsers.Named("ada"),
            Change.Set("deleted", true).Set("leaving", new BsonDocument { { "id", "M1" }, { "due_at", MsIn(TimeSpan.FromMinutes(1)) } }));

        await SweepAsync();
        (await DocumentAsync("ada")).Contains("deleted").ShouldBeTrue("whoever marked it may be at work");
        _clock.Advance(TimeSpan.FromMinutes(1));
        await SweepAsync();

        var ada = await DocumentAsync("ada");
        (ada.Contains("deleted"), ada.Contains("leaving")).ShouldBe((false, false));
        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.Deleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_deletion_left_after_it_was_decided_is_finished_by_the_next_try_or_by_itself(bool byItself)
    {
        var user = await UserAsync("ada");
        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.Deleted);
        await Users.UpdateOneAsync(Where.Exists("leaving"), Change.Set("leaving.is_forgotten", false));
        await LeaveTracesAsync(user);

        if (byItself)
        {
            _clock.Advance(TimeSpan.FromMinutes(1));
            await SweepAsync();
        }
        else
        {
            (await DeleteAsync("ADA")).ShouldBe(DeleteUserOutcome.NotFound);
        }

        await ShouldHaveNoTracesAsync();
    }

    [Fact]
    public async Task What_requests_under_way_wrote_of_a_deleted_account_is_forgotten_a_minute_later_and_its_name_with_it()
    {
        var user = await UserAsync("ada");
        await UserAsync("bob");
        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.Deleted);
        await LeaveTracesAsync(user);

        _clock.Advance(TimeSpan.FromMinutes(1));
        await SweepAsync();

        await ShouldHaveNoTracesAsync();
        (await TextOfAllAsync()).ShouldNotContain("\"ada\"", Case.Insensitive);
        (await _stores.Users.CreateAsync(user, default)).ShouldBe(CreateUserOutcome.NameTaken);
        (await _stores.Users.FindAsync("bob", default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_log_entry_about_a_deleted_account_names_it_by_the_beginning_of_its_id()
    {
        await UserAsync("ada");
        var id = (await DocumentAsync("ada"))["_id"].AsString;
        var names = _server.GetRequiredService<MongoNames>();
        var stored = await names.ToStoredAsync("ADA", default);
        (await names.ToShownAsync([stored], default))[stored].ShouldBe("ada");

        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.Deleted);

        (await names.ToStoredAsync("ada", default)).ShouldBe(stored);
        (await names.ToShownAsync([stored], default))[stored].ShouldBe($"deleted:{id[..8]}");
    }

    private IMongoCollection<BsonDocument> Users => Collection(MongoNames.Users);

    private IMongoCollection<BsonDocument> Collection(string name) => _server.GetRequiredService<MongoDatabase>().Collection(name);

    private Task<BsonDocument> DocumentAsync(string name) => Users.Find(MongoUsers.Named(name)).SingleAsync();

    private long MsIn(TimeSpan time) => (_clock.GetUtcNow() + time).ToUnixTimeMilliseconds();

    private async Task SweepAsync() => await _server.GetRequiredService<MongoOutboxSweep>().RunAsync(default);

    private async Task<User> UserAsync(string name, Role role = Role.User)
    {
        var user = new User(name, null, "hash", role, StoreSet.Noon, false);
        (await _stores.Users.CreateAsync(user, default)).ShouldBe(CreateUserOutcome.Created);
        return user;
    }

    private async Task<UpdateUserOutcome> DisableAsync(string name) =>
        (await _stores.Users.UpdateAsync(name, new UserChange(Disabled: true), "root", StoreSet.Noon, default)).Outcome;

    private Task<DeleteUserOutcome> DeleteAsync(string name) => _stores.Users.DeleteAsync(name, "root", StoreSet.Noon, default);

    /// <summary>As requests write them that the account's end overtook.</summary>
    private async Task LeaveTracesAsync(User user)
    {
        var id = (await Users.Find(Where.Eq("name_hash", MongoNames.HashOf(MongoNames.KeyOf(user.Username)))).SingleAsync())["_id"];
        var session = new NewSession("S1", [1], StoreSet.Noon, StoreSet.Noon.AddDays(1), null, "local");
        await Collection("sessions").InsertOneAsync(
            MongoSessions.Write(session, new BsonDocument { { "_id", id }, { "epoch", 0L } }, MongoNames.KeyOf(user.Username)));
        await Collection("commands").InsertOneAsync(new BsonDocument
        {
            { "_id", "C1" }, { "device_id", "D1" }, { "requested_by", user.Username }, { "idempotency_key", "mine" },
        });
        await Collection("locks").InsertOneAsync(new BsonDocument
        {
            { "_id", "D1" },
            { "owner", "bob" },
            { "owner_key", "BOB" },
            { "rev", 1L },
            { "shares", new BsonArray { Share(user.Username), Share("cy") } },
        });
        await Collection(WebhookFields.Collection).InsertManyAsync([Webhook("W1", user.Username), Webhook("W2", "bob")]);
        await Collection(DeliveryFields.Collection).InsertManyAsync([Delivery("E1", "W1"), Delivery("E2", "W2")]);

        static BsonDocument Webhook(string webhookId, string name) => new() { { "_id", webhookId }, { "name_key", MongoNames.KeyOf(name) }, { "slot", 0 } };

        BsonDocument Delivery(string deliveryId, string webhookId) => new()
        {
            { "_id", deliveryId }, { "webhook_id", webhookId }, { "number", 1L }, { "body", Body(user.Username) },
        };

        static BsonDocument Share(string name) => new() { { "username", name }, { "name_key", MongoNames.KeyOf(name) } };
    }

    private async Task ShouldHaveNoTracesAsync()
    {
        (await Collection("sessions").Find(Where.Empty).AnyAsync()).ShouldBeFalse();
        var command = await Collection("commands").Find(Where.Empty).SingleAsync();
        command["requested_by"].AsString.ShouldMatch("^deleted:[0-9a-f]{8}$");
        command.Contains("idempotency_key").ShouldBeFalse();
        var door = await Collection("locks").Find(Where.Empty).SingleAsync();
        door["shares"].AsBsonArray.ShouldHaveSingleItem()["username"].ShouldBe("cy");
        (await Collection(WebhookFields.Collection).Find(Where.Empty).SingleAsync())["_id"].ShouldBe("W2");
        var delivery = await Collection(DeliveryFields.Collection).Find(Where.Empty).SingleAsync();
        delivery["body"].AsString.ShouldBe(Body(command["requested_by"].AsString));
    }

    private static string Body(string asker) => $$$"""{"data":{"requested_by":"{{{asker}}}"}}""";

    private async Task<string> TextOfAllAsync()
    {
        var text = new StringBuilder();
        var database = _server.GetRequiredService<MongoDatabase>().Raw;
        foreach (var name in await (await database.ListCollectionNamesAsync()).ToListAsync())
        {
            (await database.GetCollection<BsonDocument>(name).Find(Where.Empty).ToListAsync()).ForEach(d => text.AppendLine(d.ToJson()));
        }

        return text.ToString();
    }
}
