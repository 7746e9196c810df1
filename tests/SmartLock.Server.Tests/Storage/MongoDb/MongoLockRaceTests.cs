using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>Two servers on one database.</summary>
public sealed class MongoLockRaceTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const int Many = 30;
    private static readonly byte[] Code = SHA256.HashData([1]);

    [Fact]
    public async Task A_device_id_is_registered_once_or_waits_once_whichever_server_is_asked()
    {
        var (one, two) = await StartAsync();

        for (var i = 0; i < Many; i++)
        {
            var deviceId = $"D{i}";
            var registering = new[] { one, two, one, two }.Select((s, n) => s.RegisterAsync(deviceId, $"user{n}")).ToArray();
            var adding = new[] { one, two }.Select(s => AddAsync(s, deviceId)).ToArray();
            var registered = (await Task.WhenAll(registering)).Count(o => o is RegisterLockOutcome.Registered);
            var added = (await Task.WhenAll(adding)).Count(o => o is AddDeviceOutcome.Added);

            (registered + added).ShouldBe(1, deviceId);
            (await Locks.CountDocumentsAsync(LockDocument.ById(deviceId))).ShouldBe(registered);
        }
    }

    [Fact]
    public async Task An_owner_never_has_more_than_the_bound_whoever_counts_and_can_have_so_many()
    {
        var (one, two) = await StartAsync();
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
        var (one, two) = await StartAsync();
        for (var i = 0; i < 10; i++)
        {
            var deviceId = $"D{i}";
            await AddAsync(one, deviceId);

            var results = await Task.WhenAll(Enumerable.Range(0, Many).Select(n => ClaimAsync(n % 2 == 0 ? one : two, deviceId, $"user{n}")));

            var winner = results.Single(r => r.Outcome is ClaimOutcome.Claimed);
            results.Count(r => r.Outcome is ClaimOutcome.Refused).ShouldBe(Many - 1);
            (await Locks.Find(LockDocument.ById(deviceId)).SingleAsync()).Owner.ShouldBe(winner.Lock!.Owner);
        }
    }

    [Fact]
    public async Task What_is_changed_at_once_at_two_servers_is_all_changed_and_all_in_the_log()
    {
        var (one, two) = await StartAsync();
        await one.RegisterAsync("D1");

        var renames = Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? one : two).Locks.EditAsync(By("ada"), new LockEdit($"Door {i}"), default));
        var rotations = Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? two : one).Locks.ReplaceKeyAsync(By("ada"), [(byte)i], false, default));
        var renamed = Task.WhenAll(renames);
        var rotated = Task.WhenAll(rotations);

        (await renamed).ShouldAllBe(o => o == ChangeLockOutcome.Changed);
        (await rotated).ShouldAllBe(r => r.Outcome == ChangeLockOutcome.Changed);
        var log = await LogAsync("D1");
        log.Count(e => e == "lock.rename renamed").ShouldBe(10);
        log.Count(e => e == "lock.rotate_key rotated").ShouldBe(10);
    }

    [Fact]
    public async Task A_lock_that_is_unlocked_and_given_away_a_hundred_times_at_once_has_one_owner_and_a_whole_log()
    {
        const int Commands = 100;
        const int Owners = 10;
        var (one, two) = await StartAsync();
        await one.CreateUsersAsync([.. Enumerable.Range(0, Owners).Select(i => $"user{i}")]);
        await one.RegisterOnlineAsync("D1", "user0");

        var issuing = Enumerable.Range(0, Commands).Select(i =>
            (i % 2 == 0 ? one : two).Commands.IssueAsync(StoreSet.Unlock("D1", $"C{i}", $"user{i % Owners}"), default)).ToArray();
        var giving = Enumerable.Range(0, Commands).Select(i =>
            (i % 2 == 0 ? two : one).LockAdmin.ReassignAsync(By("boss"), $"user{i % Owners}", 10, default)).ToArray();
        var issued = await Task.WhenAll(issuing);
        var given = await Task.WhenAll(giving);

        issued.ShouldAllBe(r => r.Outcome == IssueOutcome.Issued || r.Outcome == IssueOutcome.NotFound);
        given.ShouldAllBe(r => r.Outcome == ReassignOutcome.Reassigned || r.Outcome == ReassignOutcome.AlreadyOwner);
        var owner = (await one.LockAdmin.ListAsync(null, null, null, 10, default)).Items.ShouldHaveSingleItem().Owner;
        var log = await LogAsync("D1");
        log.Count(e => e == "command.unlock sent").ShouldBe(issued.Count(r => r.Outcome is IssueOutcome.Issued));
        log.Count(e => e == "command.unlock refused: not found").ShouldBe(issued.Count(r => r.Outcome is IssueOutcome.NotFound));
        log.Count(e => e == "lock.reassign given to").ShouldBe(given.Count(r => r.Outcome is ReassignOutcome.Reassigned));
        (await one.LogAsync("D1", owner))[0].ShouldBe("boss lock.reassign given to", "the log of the last owner begins with the last reassignment");
        var report = await new AuditVerification(one.Audit, MongoFixture.Chain).RunAsync("D1", default);
        report.IsIntact.ShouldBeTrue();
        report.Entries.ShouldBe(log.Length);
    }

    [Fact]
    public async Task A_removed_lock_leaves_nothing_but_its_log_and_a_later_key_is_newer()
    {
        var (one, two) = await StartAsync();
        await one.RegisterOnlineAsync("D1");
        await one.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default);
        var before = (await one.Devices.FindAsync("D1", default))!.KeyFrom;

        (await two.Locks.RemoveAsync(By("ada"), default)).ShouldBe(ChangeLockOutcome.Changed);

        (await MongoFixture.CollectionsWithAsync(Database, "D1")).ShouldBe(["log_heads", "logs"]);
        (await two.RegisterAsync("D1", "eve")).ShouldBe(RegisterLockOutcome.Registered);
        (await one.Devices.FindAsync("D1", default))!.KeyFrom.ShouldBeGreaterThan(before);
        (await LogAsync("D1"))[^2..].ShouldBe(["lock.remove removed", "lock.register registered"]);
    }

    private readonly List<IServiceProvider> _servers = [];

    private IMongoDatabase Database => _servers[0].GetRequiredService<MongoDatabase>().Raw;

    private IMongoCollection<LockDocument> Locks => Database.GetCollection<LockDocument>(LockDocument.Collection);

    private static LockChange By(string actor, string deviceId = "D1") => new(deviceId, actor, StoreSet.Noon);

    private static Task<AddDeviceOutcome> AddAsync(StoreSet stores, string deviceId) =>
        stores.Pairings.AddAsync(new NewPairing(deviceId, [4], false, Code, StoreSet.Noon, StoreSet.Noon.AddDays(1)), "boss", default);

    private static Task<ClaimResult> ClaimAsync(StoreSet stores, string deviceId, string username) =>
        stores.Pairings.ClaimAsync(new LockChange(deviceId, username, StoreSet.Noon), "Hall", Code, 10, default);

    private async Task<(StoreSet One, StoreSet Two)> StartAsync()
    {
        _servers.Add(await fixture.StartAsync());
        _servers.Add(fixture.AddServer());
        return (MongoFixture.StoresOf(_servers[0]), MongoFixture.StoresOf(_servers[1]));
    }

    private async Task<string[]> LogAsync(string deviceId)
    {
        var entries = await Database.GetCollection<BsonDocument>(LogDocument.Collection)
            .Find(new BsonDocument("device_id", deviceId))
            .Sort(new BsonDocument("seq", 1))
            .ToListAsync();
        return [.. entries.Select(entry => $"{entry["action"]} {entry["result"]}")];
    }
}
