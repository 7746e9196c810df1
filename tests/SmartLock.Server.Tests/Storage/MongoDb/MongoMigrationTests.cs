using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>A database as the version before transactions left it, written by hand.</summary>
public sealed class MongoMigrationTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private static readonly long Noon = StoreSet.Noon.ToUnixTimeMilliseconds();

    [Fact]
    public async Task What_was_left_to_do_is_done_and_nothing_of_it_is_left()
    {
        var database = await WriteOldAsync();

        var stores = MongoFixture.StoresOf(await OpenAsync());

        (await stores.LogAsync("D1")).ShouldBe(
            ["ada lock.register registered", "system lock.state unavailable: No heartbeat", "ada lock.rename renamed"]);
        var report = await new AuditVerification(stores.Audit, MongoFixture.Chain).RunAsync(null, default);
        report.IsIntact.ShouldBeTrue();
        report.Entries.ShouldBe(5, "the forged entry is not among them, and that accounts were bound is");

        var found = (await stores.Locks.FindAsync("D1", "bob", StoreSet.Noon, default)).ShouldNotBeNull();
        (found.Access, found.Lock.Name, found.Lock.State, found.Lock.BatteryMv).ShouldBe((LockAccess.Operator, "Door", LockState.Unavailable, 3_700));
        (await stores.Devices.FindAsync("D1", default))!.ShouldSatisfyAllConditions(d => d.KeyFrom.ShouldBe(7), d => d.SentAt.ShouldBe(1_000));
        var history = await stores.Locks.FindHistoryAsync("D1", "ada", StoreSet.Noon, StoreSet.Noon.AddDays(-1), 10, default);
        history!.Changes.ShouldBe([new StateChange(StoreSet.Noon, "No heartbeat")]);

        (await stores.Pairings.ListAsync(null, 10, default)).Items.ShouldBe(
            [new Pairing("D2", false, StoreSet.Noon, StoreSet.Noon.AddDays(1), 2)]);
        (await stores.Commands.FindAsync("C1", "ada", default)).ShouldNotBeNull();
        (await stores.Commands.FindAsync("C3", "ada", default)).ShouldBeNull("its lock was removed");
        (await stores.RegisterAsync("D3", "eve")).ShouldBe(RegisterLockOutcome.Registered);

        foreach (var word in (string[])["outbox", "tail", "slot", "tidy_at", "incoming", "leaving", "epoch", "\"deleted\" : true"])
        {
            (await MongoFixture.CollectionsWithAsync(database, word)).ShouldBeEmpty(word);
        }
    }

    [Fact]
    public async Task Sessions_of_before_the_accounts_epoch_are_over_and_a_deletion_left_by_half_is_finished()
    {
        var database = await WriteOldAsync();
        var expires = StoreSet.Noon.AddDays(1).ToUnixTimeMilliseconds();
        await InsertAsync(database, "sessions", Session("S0", 0), Session("S1", 1));
        await InsertAsync(
            database,
            "users",
            new BsonDocument
            {
                { "_id", "b2345678" }, { "name_hash", AuditChain.PlainNameHashOf("BOB") }, { "deleted", true }, { "retired_at", Noon },
                { "leaving", new BsonDocument { { "username", "bob" }, { "due_at", Noon }, { "is_forgotten", false } } },
            });
        await InsertAsync(database, "commands", Command("C9", "D1", "T1").Set("requested_by", "bob").Set("idempotency_key", "mine"));
        await InsertAsync(
            database,
            "webhooks",
            new BsonDocument
            {
                { "_id", "H2" }, { "name_key", "ADA" }, { "slot", 1 }, { "url", "https://example.com/" }, { "events", new BsonArray { "lock" } },
                { "protected_secret", new byte[] { 1 } }, { "active", true }, { "failures", 0 }, { "dead_in_a_row", 0 }, { "created_at", Noon },
                { "queued", 1L }, { "due_at", Noon },
                {
                    "incoming", new BsonArray
                    {
                        new BsonDocument
                        {
                            { "_id", "E1" }, { "number", 1L }, { "event", "lock" }, { "body", "{}" }, { "created_at", Noon }, { "give_up_at", expires },
                        },
                    }
                },
            });

        var server = await OpenAsync();
        var stores = MongoFixture.StoresOf(server);
        await server.GetRequiredService<MongoForgetting>().RunAsync(default);

        (await stores.Sessions.ListAsync("ada", StoreSet.Noon, default)).ShouldHaveSingleItem().Id.ShouldBe("S1");
        (await stores.Sessions.FindAsync("S1", StoreSet.Noon, default)).ShouldBe(new SessionAccount("S1", "ada", Role.User));
        (await stores.Users.CreateAsync(new User("Bob", null, "hash", Role.User, StoreSet.Noon, false), default)).ShouldBe(CreateUserOutcome.NameTaken);
        var command = await database.GetCollection<BsonDocument>("commands").Find(ById("C9")).SingleAsync();
        (command["requested_by"], command.Contains("idempotency_key")).ShouldBe(("deleted:b2345678", false));
        var room = new ClaimRoom(8, 8, new Dictionary<string, int>());
        var claims = await server.GetRequiredService<IDeliveryStore>().ClaimAsync("L1", StoreSet.Noon, StoreSet.Noon.AddMinutes(1), room, default);
        claims.ShouldHaveSingleItem().DeliveryId.ShouldBe("E1");

        BsonDocument Session(string id, long epoch) => new()
        {
            { "_id", id }, { "account_id", "a1" }, { "name_key", "ADA" }, { "epoch", epoch }, { "token", new byte[] { (byte)epoch } },
            { "created_at", Noon }, { "last_used_at", Noon }, { "expires_at", expires }, { "address", "192.0.2.1" },
        };
    }

    [Fact]
    public async Task It_is_done_once_and_a_later_version_keeps_the_database()
    {
        var database = await WriteOldAsync();
        await OpenAsync();
        await database.GetCollection<BsonDocument>("locks").UpdateOneAsync(ById("D1"), Builders<BsonDocument>.Update.Set("slot", 5));
        await OpenAsync();
        (await MongoFixture.CollectionsWithAsync(database, "slot")).ShouldBe(["locks"]);

        await database.GetCollection<BsonDocument>("schema").UpdateOneAsync(ById("schema"), Builders<BsonDocument>.Update.Set("number", 99));
        (await Should.ThrowAsync<StartupException>(OpenAsync)).Message.ShouldContain("later version");
    }

    [Fact]
    public async Task Accounts_are_bound_once_and_a_database_made_to_look_older_is_not_bound_anew()
    {
        var database = await WriteOldAsync();
        await InsertAsync(
            database, "users", new BsonDocument { { "_id", "b2345678" }, { "name_hash", AuditChain.PlainNameHashOf("BOB") }, { "deleted", true }, { "retired_at", Noon } });

        var stores = MongoFixture.StoresOf(await OpenAsync());

        var accounts = await stores.Audit.ReadAccountsAsync(null, 10, default);
        accounts.Select(a => a.NameHash).ShouldBe([MongoFixture.Chain.NameHashOf("ADA"), MongoFixture.Chain.NameHashOf("BOB")]);
        accounts.ShouldAllBe(a => MongoFixture.Chain.IsBound(a));

        var users = database.GetCollection<BsonDocument>("users");
        await users.UpdateManyAsync(Builders<BsonDocument>.Filter.Empty, Builders<BsonDocument>.Update.Unset("binding"));
        await database.GetCollection<BsonDocument>("schema").UpdateOneAsync(ById("schema"), Builders<BsonDocument>.Update.Set("number", 1));
        (await Should.ThrowAsync<StartupException>(OpenAsync)).Message.ShouldContain("restore a backup");
        await database.GetCollection<BsonDocument>("schema").DeleteOneAsync(ById("schema"));
        (await Should.ThrowAsync<StartupException>(OpenAsync)).Message.ShouldContain("restore a backup");
    }

    [Theory]
    [InlineData("{ setName: 'rs0' }", true)]
    [InlineData("{ msg: 'isdbgrid' }", true)]
    [InlineData("{ isWritablePrimary: true }", false)]
    public void A_server_without_transactions_is_known(string hello, bool has) => MongoDatabase.HasTransactions(BsonDocument.Parse(hello)).ShouldBe(has);

    private async Task<IServiceProvider> OpenAsync()
    {
        var server = fixture.AddServer();
        await server.GetRequiredService<MongoDatabase>().ReadAsync(_ => Task.CompletedTask, default);
        return server;
    }

    private static FilterDefinition<BsonDocument> ById(string id) => Builders<BsonDocument>.Filter.Eq("_id", id);

    private async Task<IMongoDatabase> WriteOldAsync()
    {
        await fixture.EmptyAsync();
        var (_, database) = fixture.Connect();
        await database.GetCollection<BsonDocument>("locks").Indexes.CreateOneAsync(
            new CreateIndexModel<BsonDocument>("{ outbox: 1 }", new CreateIndexOptions { Name = "outbox", Sparse = true }));

        // The chain of D1: its second entry is still in the tail of the end.
        var first = Link("D1", 1, AuditChain.Beginning, "user:a1", AuditActions.LockRegistered, AuditResults.Registered);
        var second = Link("D1", 2, first["hash"].AsByteArray, AuditActors.System, AuditActions.Connectivity, "unavailable: No heartbeat");
        await InsertAsync(database, "logs", first);
        await InsertAsync(database, "log_heads", new BsonDocument
        {
            { "_id", "D1" },
            { "seq", 2L },
            { "hash", second["hash"] },
            { "seal", MongoFixture.Chain.SealOf("D1", 2, second["hash"].AsByteArray) },
            { "tail", new BsonArray { second } },
            { "open", true },
            { "batch", "B1" },
        });

        var forged = Outbox("K3", "D1", AuditActions.LockRemoved, AuditResults.Removed);
        forged["result"] = "forged";
        await InsertAsync(
            database,
            "locks",
            new BsonDocument
            {
                { "_id", "D1" }, { "name", "Door" }, { "owner", "ada" }, { "owner_key", "ADA" }, { "slot", 3 }, { "status", "Locked" },
                { "state", "Unavailable" }, { "last_seen", Noon }, { "issue", "No heartbeat" }, { "created_at", Noon }, { "unsigned", false },
                { "key", new byte[] { 1 } }, { "key_from", 7L }, { "sent_at", 1_000L }, { "connected_at", 500L }, { "last_issued_at", 0L },
                { "own_topics", true }, { "firmware", BsonNull.Value }, { "battery_mv", 3_700 }, { "tenure", "T1" }, { "owned_since", Noon }, { "rev", 4L },
                { "earlier", new BsonArray { "T0" } },
                { "shares", new BsonArray { new BsonDocument { { "username", "bob" }, { "name_key", "BOB" }, { "role", "Operator" }, { "created_at", Noon } } } },
                { "outbox", new BsonArray { Outbox("K2", "D1", AuditActions.LockRenamed, AuditResults.Renamed), forged } },
            },
            new BsonDocument
            {
                { "_id", "D2" }, { "deleted", true }, { "rev", 1L },
                {
                    "pairing", new BsonDocument
                    {
                        { "device_id", "D2" }, { "key", new byte[] { 2 } }, { "unsigned", false }, { "code_hash", new byte[32] }, { "created_at", Noon },
                        { "expires_at", StoreSet.Noon.AddDays(1).ToUnixTimeMilliseconds() }, { "wrong_codes", 2 },
                    }
                },
            },
            new BsonDocument
            {
                { "_id", "D3" }, { "deleted", true }, { "ended", new BsonArray { "T3" } }, { "tidy_at", Noon }, { "last_key_from", 9L },
                { "outbox", new BsonArray { Outbox("K4", "D3", AuditActions.LockRemoved, AuditResults.Removed, "T3") } },
            });
        await InsertAsync(database, "commands", Command("C1", "D1", "T1"), Command("C3", "D3", "T3"));
        await InsertAsync(
            database,
            "users",
            new BsonDocument
            {
                { "_id", "a1" }, { "name_hash", AuditChain.PlainNameHashOf("ADA") }, { "name_key", "ADA" }, { "username", "ada" }, { "password_hash", "x" },
                { "password_version", 0L }, { "role", "User" }, { "disabled", false }, { "created_at", Noon }, { "epoch", 1L }, { "deleted", true },
                { "leaving", new BsonDocument { { "id", "M1" }, { "due_at", Noon } } },
            });
        await InsertAsync(
            database, "webhooks", new BsonDocument { { "_id", "H1" }, { "name_key", "ADA" }, { "slot", 0 }, { "deleted", true }, { "tidy_at", Noon } });
        return database;
    }

    private static Task InsertAsync(IMongoDatabase database, string collection, params BsonDocument[] documents) =>
        database.GetCollection<BsonDocument>(collection).InsertManyAsync(documents);

    private static BsonDocument Command(string id, string deviceId, string tenure) => new()
    {
        { "_id", id }, { "device_id", deviceId }, { "action", "Unlock" }, { "requested_by", "ada" }, { "issued_at", Noon }, { "expires_at", Noon },
        { "state", "Done" }, { "result", "done" }, { "decided_at", Noon }, { "tenure", tenure }, { "batch", "B1" },
    };

    private static BsonDocument Link(string deviceId, long sequence, byte[] previous, string actor, string action, string result)
    {
        var entry = new ChainedEntry(sequence * 10, deviceId, sequence, Noon, actor, action, result, null, null, previous, []);
        return new BsonDocument
        {
            { "_id", $"{deviceId}/{sequence}" }, { "id", entry.Id }, { "device_id", deviceId }, { "seq", sequence }, { "time", Noon }, { "actor", actor },
            { "action", action }, { "result", result }, { "previous_hash", previous }, { "hash", MongoFixture.Chain.HashOf(entry) }, { "key", $"K{sequence}0" },
            { "tenure", "T1" },
        };
    }

    private static BsonDocument Outbox(string key, string deviceId, string action, string result, string tenure = "T1")
    {
        var unlinked = new ChainedEntry(0, deviceId, 0, Noon, "user:a1", action, result, null, null, [], []);
        return new BsonDocument
        {
            { "key", key }, { "at", Noon }, { "device_id", deviceId }, { "time", Noon }, { "actor", "user:a1" }, { "action", action }, { "result", result },
            { "tenure", tenure }, { "mark", MongoFixture.Chain.MarkOf(key, tenure, unlinked) },
        };
    }
}
