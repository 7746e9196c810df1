using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>Two servers on one database, and what is left by one that is killed between two writes.</summary>
public sealed class MongoLockRaceTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const int Many = 30;
    private static readonly byte[] Code = SHA256.HashData([1]);
    private readonly FakeClock _clock = new(StoreSet.Noon);

    [Fact]
    public async Task A_device_id_is_registered_once_or_waits_once_whichever_server_is_asked()
    {
        var (one, two) = await StartRaceAsync();

        for (var i = 0; i < Many; i++)
        {
            var deviceId = $"D{i}";
            var registering = new[] { one, two, one, two }.Select((s, n) => s.RegisterAsync(deviceId, $"user{n}")).ToArray();
            var adding = new[] { one, two }.Select(s => AddAsync(s, deviceId)).ToArray();
            var registered = (await Task.WhenAll(registering)).Count(o => o is RegisterLockOutcome.Registered);
            var added = (await Task.WhenAll(adding)).Count(o => o is AddDeviceOutcome.Added);

            (registered + added).ShouldBe(1, deviceId);
            (await Documents(deviceId).CountDocumentsAsync(IsLock)).ShouldBe(registered);
        }
    }

    [Fact]
    public async Task An_owner_never_has_more_than_the_bound_whoever_counts_and_can_have_so_many()
    {
        var (one, two) = await StartRaceAsync();
        const int Bound = 7;

        var outcomes = await Task.WhenAll(Enumerable.Range(0, Many).Select(i => (i % 2 == 0 ? one : two).RegisterAsync($"D{i}", maxPerOwner: Bound)));

        outcomes.Count(o => o is RegisterLockOutcome.Registered).ShouldBe(Bound);
        var own = await one.Locks.ListAsync("ada", StoreSet.Noon, null, 100, default);
        await one.Locks.RemoveAsync(By("ada", own.Items[3].Lock.DeviceId), default);
        outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? one : two).RegisterAsync($"E{i}", maxPerOwner: Bound)));
        outcomes.Count(o => o is RegisterLockOutcome.Registered).ShouldBe(1);
        (await one.RegisterAsync("F1", maxPerOwner: Bound - 3)).ShouldBe(RegisterLockOutcome.TooManyLocks, "the bound was lowered");
    }

    [Fact]
    public async Task Of_many_who_claim_at_two_servers_one_gets_the_device()
    {
        var (one, two) = await StartRaceAsync();
        for (var i = 0; i < 10; i++)
        {
            var deviceId = $"D{i}";
            await AddAsync(one, deviceId);

            var results = await Task.WhenAll(Enumerable.Range(0, Many).Select(n => ClaimAsync(n % 2 == 0 ? one : two, deviceId, $"user{n}")));

            var winner = results.Single(r => r.Outcome is ClaimOutcome.Claimed);
            results.Count(r => r.Outcome is ClaimOutcome.Refused).ShouldBe(Many - 1);
            (await Documents(deviceId).Find(IsLock).SingleAsync())[LockFields.Owner].AsString.ShouldBe(winner.Lock!.Owner);
        }
    }

    [Fact]
    public async Task What_is_changed_at_once_at_two_servers_is_all_changed_and_all_in_the_log()
    {
        var (one, two) = await StartRaceAsync();
        await one.RegisterAsync("D1");

        var renames = Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? one : two).Locks.RenameAsync(By("ada"), $"Door {i}", default));
        var rotations = Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? two : one).Locks.ReplaceKeyAsync(By("ada"), [(byte)i], false, default));
        var renamed = Task.WhenAll(renames);
        var rotated = Task.WhenAll(rotations);

        (await renamed).ShouldAllBe(o => o == ChangeLockOutcome.Changed);
        (await rotated).ShouldAllBe(r => r.Outcome == ChangeLockOutcome.Changed);
        var made = await Documents("D1").Find("{}").SingleAsync();
        made[LockFields.Rev].ToInt64().ShouldBe(22, "made, used, and changed twenty times");
        var log = await LogAsync("D1");
        log.Count(e => e == "lock.rename renamed").ShouldBe(10);
        log.Count(e => e == "lock.rotate_key rotated").ShouldBe(10);
    }

    [Fact]
    public async Task A_reservation_that_a_killed_server_left_gives_way_and_the_slot_with_it()
    {
        var (one, _) = await StartAsync();
        await ReserveAsync("D1", "ADA");

        (await one.RegisterAsync("D1", "eve")).ShouldBe(RegisterLockOutcome.DeviceIdTaken);
        (await one.RegisterAsync("D2", maxPerOwner: 1)).ShouldBe(RegisterLockOutcome.TooManyLocks);
        _clock.Advance(TimeSpan.FromMinutes(2));
        await SweepAsync();

        (await one.RegisterAsync("D2", maxPerOwner: 1)).ShouldBe(RegisterLockOutcome.Registered);
        (await one.RegisterAsync("D1", "eve")).ShouldBe(RegisterLockOutcome.Registered);
    }

    [Fact]
    public async Task A_device_whose_claim_was_cut_off_waits_again()
    {
        var (one, two) = await StartAsync();
        await AddAsync(one, "D1");
        var cut = Builders<BsonDocument>.Update.Set(LockFields.OwnerKey, "EVE").Set(LockFields.Slot, 0).Set(LockFields.Tenure, "T");
        await Documents("D1").UpdateOneAsync("{}", cut.Set(LockFields.TidyAt, _clock.GetUtcNow().AddMinutes(1).ToUnixTimeMilliseconds()));
        (await ClaimAsync(one, "D1", "ada")).Outcome.ShouldBe(ClaimOutcome.Refused);

        _clock.Advance(TimeSpan.FromMinutes(2));
        (await two.Pairings.ClaimAsync(new LockChange("D1", "ada", _clock.GetUtcNow()), "Hall", Code, 10, default)).Outcome.ShouldBe(ClaimOutcome.Claimed);
        await SweepAsync();
        (await one.Locks.FindAsync("D1", "ada", default)).ShouldNotBeNull("what was left is not swept away with what came of it");
    }

    [Fact]
    public async Task A_removal_that_was_cut_off_is_finished_and_its_entry_stands_in_the_log()
    {
        var (one, two) = await StartAsync();
        await one.RegisterAsync("D1");
        await CutOffRemovalAsync("D1");

        (await two.Locks.FindAsync("D1", "ada", default)).ShouldBeNull();
        (await LogAsync("D1")).ShouldBe(["lock.register registered"]);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await SweepAsync();

        (await LogAsync("D1")).ShouldBe(["lock.register registered", "lock.remove removed"]);
        (await Documents("D1").CountDocumentsAsync("{}")).ShouldBe(0);
        (await Commands.CountDocumentsAsync("{}")).ShouldBe(0);
    }

    [Fact]
    public async Task Who_registers_what_was_removed_by_half_gets_a_lock_of_his_own_and_keeps_its_commands()
    {
        var (one, two) = await StartAsync();
        await one.RegisterAsync("D1");
        var before = (await Documents("D1").Find("{}").SingleAsync())[LockFields.KeyFrom].ToInt64();
        await CutOffRemovalAsync("D1");

        (await two.RegisterAsync("D1", "eve")).ShouldBe(RegisterLockOutcome.Registered);

        var document = await Documents("D1").Find("{}").SingleAsync();
        document[LockFields.KeyFrom].ToInt64().ShouldBeGreaterThan(before);
        await Commands.InsertOneAsync(CommandOf("C2", document[LockFields.Tenure].AsString));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await SweepAsync();
        (await LogAsync("D1")).ShouldBe(["lock.register registered", "lock.remove removed", "lock.register registered"]);
        (await Commands.Find("{}").ToListAsync()).ShouldHaveSingleItem()["_id"].AsString.ShouldBe("C2");
        (await two.Locks.FindAsync("D1", "eve", default)).ShouldNotBeNull();
        (await Documents("D1").Find("{}").SingleAsync()).Contains(LockFields.TidyAt).ShouldBeFalse();
    }

    [Fact]
    public async Task A_command_whose_entry_is_still_in_it_outlives_its_lock_until_the_entry_is_in_the_log()
    {
        var (one, _) = await StartAsync();
        await one.RegisterAsync("D1");
        var tenure = (await Documents("D1").Find("{}").SingleAsync())[LockFields.Tenure].AsString;
        await Commands.InsertOneAsync(CommandOf("C1", tenure).Add(OutboxEntry.Field, new BsonArray { 1 }));

        (await one.Locks.RemoveAsync(By("ada"), default)).ShouldBe(ChangeLockOutcome.Changed);

        (await Commands.CountDocumentsAsync("{}")).ShouldBe(1);
        (await one.RegisterAsync("D1", "eve")).ShouldBe(RegisterLockOutcome.Registered);
        await Commands.UpdateOneAsync("{}", Builders<BsonDocument>.Update.Unset(OutboxEntry.Field));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await SweepAsync();
        (await Commands.CountDocumentsAsync("{}")).ShouldBe(0);
    }

    private readonly List<IServiceProvider> _servers = [];

    private static FilterDefinition<BsonDocument> IsLock => MongoAccess.IsThere;

    private IMongoCollection<BsonDocument> Commands => Database.GetCollection<BsonDocument>("commands");

    private IMongoDatabase Database => _servers[0].GetRequiredService<MongoDatabase>().Raw;

    /// <summary>The one document, as a collection of its own.</summary>
    private OneDocument Documents(string deviceId) => new(_servers[0].GetRequiredService<MongoLocks>().Documents, deviceId);

    private static LockChange By(string actor, string deviceId = "D1") => new(deviceId, actor, StoreSet.Noon);

    private static Task<AddDeviceOutcome> AddAsync(StoreSet stores, string deviceId) =>
        stores.Pairings.AddAsync(new NewPairing(deviceId, [4], false, Code, StoreSet.Noon, StoreSet.Noon.AddDays(1)), "boss", default);

    private static Task<ClaimResult> ClaimAsync(StoreSet stores, string deviceId, string username) =>
        stores.Pairings.ClaimAsync(new LockChange(deviceId, username, StoreSet.Noon), "Hall", Code, 10, default);

    private static BsonDocument CommandOf(string id, string tenure) => new()
    {
        { "_id", id },
        { "device_id", "D1" },
        { "state", "Done" },
        { "tenure", tenure },
    };

    /// <summary>Not on the fake clock, since two who append at once wait for each other.</summary>
    private Task<(StoreSet One, StoreSet Two)> StartRaceAsync() => StartAsync(TimeProvider.System);

    private Task<(StoreSet One, StoreSet Two)> StartAsync() => StartAsync(_clock);

    private async Task<(StoreSet One, StoreSet Two)> StartAsync(TimeProvider time)
    {
        _servers.Add(await fixture.StartAsync(time));
        _servers.Add(fixture.AddServer(time));
        return (MongoFixture.StoresOf(_servers[0]), MongoFixture.StoresOf(_servers[1]));
    }

    private Task<int> SweepAsync() => _servers[1].GetRequiredService<MongoOutboxSweep>().RunAsync(default);

    private Task ReserveAsync(string deviceId, string ownerKey) => _servers[0].GetRequiredService<MongoLocks>().Documents.InsertOneAsync(new BsonDocument
    {
        { LockFields.Id, deviceId },
        { LockFields.Deleted, true },
        { LockFields.OwnerKey, ownerKey },
        { LockFields.Slot, 0 },
        { LockFields.Tenure, "T" },
        { LockFields.Rev, 1L },
        { LockFields.TidyAt, _clock.GetUtcNow().AddMinutes(1).ToUnixTimeMilliseconds() },
    });

    /// <summary>What a removal writes, without all that comes after it; with a command of the lock's.</summary>
    private async Task CutOffRemovalAsync(string deviceId)
    {
        var found = await Documents(deviceId).Find("{}").SingleAsync();
        var tenure = found[LockFields.Tenure].AsString;
        await Commands.InsertOneAsync(CommandOf("C1", tenure));
        var entry = new NewAuditEntry(StoreSet.Noon, deviceId, "ada", AuditActions.LockRemoved, AuditResults.Removed);
        var prepared = await _servers[0].GetRequiredService<MongoLog>().PrepareAsync(entry, tenure, default);
        var change = new LockChange(deviceId, "ada", _clock.GetUtcNow());
        await Documents(deviceId).UpdateOneAsync(
            "{}",
            Builders<BsonDocument>.Update.Combine(MongoLockStore.Remove(found, change), OutboxEntry.Push(prepared)));
    }

    private async Task<string[]> LogAsync(string deviceId)
    {
        var entries = await Database.GetCollection<BsonDocument>(MongoChains.Logs)
            .Find(new BsonDocument("device_id", deviceId))
            .Sort(new BsonDocument("seq", 1))
            .ToListAsync();
        return [.. entries.Select(entry => $"{entry["action"]} {entry["result"]}")];
    }

    private sealed class OneDocument(IMongoCollection<BsonDocument> documents, string id)
    {
        public IFindFluent<BsonDocument, BsonDocument> Find(FilterDefinition<BsonDocument> filter) => documents.Find(IsThis & filter);

        public Task<long> CountDocumentsAsync(FilterDefinition<BsonDocument> filter) => documents.CountDocumentsAsync(IsThis & filter);

        public Task<UpdateResult> UpdateOneAsync(FilterDefinition<BsonDocument> filter, UpdateDefinition<BsonDocument> update) =>
            documents.UpdateOneAsync(IsThis & filter, update);

        private FilterDefinition<BsonDocument> IsThis => Builders<BsonDocument>.Filter.Eq(LockFields.Id, id);
    }
}
