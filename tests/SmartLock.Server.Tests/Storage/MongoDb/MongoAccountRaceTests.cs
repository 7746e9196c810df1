using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>Two servers on one database, and what they decide in the same moment.</summary>
public sealed class MongoAccountRaceTests(MongoFixture fixture) : IClassFixture<MongoFixture>, IAsyncLifetime
{
    private const int Rounds = 8;
    private const int AtOnce = 8;
    private const int Most = 50;
    private static readonly DateTimeOffset Noon = StoreSet.Noon;
    private StoreSet _here = null!;
    private StoreSet _there = null!;
    private MongoDatabase _database = null!;

    public async ValueTask InitializeAsync()
    {
        var server = await fixture.StartAsync();
        _database = server.GetRequiredService<MongoDatabase>();
        _here = MongoFixture.StoresOf(server);
        _there = MongoFixture.StoresOf(fixture.AddServer());
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Of_first_admins_of_two_servers_there_is_one()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 2 * AtOnce).Select(i =>
            SideOf(i).Users.CreateFirstAdminAsync(new User($"admin{i}", null, "hash", Role.Admin, Noon, false), default)));

        outcomes.Count(o => o == FirstAdminOutcome.Created).ShouldBe(1);
        outcomes.Count(o => o == FirstAdminOutcome.AdminExists).ShouldBe((2 * AtOnce) - 1);
    }

    [Fact]
    public async Task Of_admins_whom_two_servers_disable_demote_and_delete_at_once_one_remains()
    {
        for (var round = 0; round < Rounds; round++)
        {
            string[] names = [$"ada{round}", $"bob{round}", $"cy{round}"];
            foreach (var name in names)
            {
                await UserAsync(name, Role.Admin);
            }

            var before = await EnabledAdminsAsync();
            await Task.WhenAll(before.SelectMany((name, i) => new Task[]
            {
                SideOf(i).Users.UpdateAsync(name, new UserChange(Disabled: true), "root", Noon, default),
                SideOf(i + 1).Users.UpdateAsync(name, new UserChange(Role: Role.User), "root", Noon, default),
                SideOf(i).Users.DeleteAsync(name, "root", Noon, default),
            }));

            (await EnabledAdminsAsync()).ShouldHaveSingleItem();
        }
    }

    [Fact]
    public async Task Of_two_admins_who_demote_each_other_at_once_one_stays_and_is_told_why()
    {
        await UserAsync("ada", Role.Admin);
        await UserAsync("bob", Role.Admin);
        for (var round = 0; round < Rounds; round++)
        {
            var outcomes = (await Task.WhenAll(
                _here.Users.UpdateAsync("ada", new UserChange(Role: Role.User), "bob", Noon, default),
                _there.Users.UpdateAsync("bob", new UserChange(Role: Role.User), "ada", Noon, default))).Select(r => r.Outcome);

            outcomes.ShouldBe([UpdateUserOutcome.Updated, UpdateUserOutcome.LastAdmin], ignoreOrder: true);
            var demoted = new[] { "ada", "bob" }.Except(await EnabledAdminsAsync()).ShouldHaveSingleItem();
            await _here.Users.UpdateAsync(demoted, new UserChange(Role: Role.Admin), "root", Noon, default);
        }
    }

    [Fact]
    public async Task However_admins_are_disabled_and_enabled_again_there_is_one()
    {
        string[] names = ["ada", "bob", "cy"];
        foreach (var name in names)
        {
            await UserAsync(name, Role.Admin);
        }

        for (var round = 0; round < 2 * Rounds; round++)
        {
            await Task.WhenAll(names.SelectMany((name, i) => new[]
            {
                SideOf(i).Users.UpdateAsync(name, new UserChange(Disabled: i != round % 3), "root", Noon, default),
                SideOf(i + 1).Users.UpdateAsync(name, new UserChange(Disabled: true), "root", Noon, default),
            }));

            (await EnabledAdminsAsync()).ShouldNotBeEmpty();
        }
    }

    [Fact]
    public async Task The_name_of_an_account_that_is_deleted_meanwhile_is_given_to_nobody()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var name = $"ada{round}";
            await UserAsync(name);
            var id = (await DocumentOf(name).SingleAsync())["_id"];
            var deletions = new[] { _here, _there }.Select(side => PersistAsync(() => side.Users.DeleteAsync(name, "root", Noon, default))).ToArray();
            var wanted = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(i =>
                PersistAsync(() => SideOf(i).Users.CreateAsync(new User(name.ToUpperInvariant(), null, "hash", Role.User, Noon, false), default))));
            (await Task.WhenAll(deletions)).Count(o => o == DeleteUserOutcome.Deleted).ShouldBeLessThanOrEqualTo(1);

            wanted.ShouldAllBe(o => o == CreateUserOutcome.NameTaken);
            (await _here.Users.FindAsync(name, default)).ShouldBeNull();
            (await DocumentOf(name).SingleAsync())["_id"].ShouldBe(id);
            (await EntriesAsync(AuditActions.AccountDelete)).ShouldBe(round + 1);
        }

        IFindFluent<BsonDocument, BsonDocument> DocumentOf(string name) => _database.Collection(MongoNames.Users)
            .Find(Builders<BsonDocument>.Filter.Eq("name_hash", MongoFixture.Chain.NameHashOf(MongoNames.KeyOf(name))));
    }

    [Fact]
    public async Task No_session_that_is_opened_while_the_password_is_changed_outlives_it()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var user = await UserAsync($"ada{round}");
            var opening = Enumerable.Range(0, AtOnce).Select(i => OpenAsync(_there, user, $"S{round}-{i}")).ToArray();
            (await _here.Users.ChangePasswordAsync(user, "h2", Noon, default)).ShouldBe(ChangePasswordOutcome.Changed);
            await Task.WhenAll(opening);

            (await _there.Sessions.ListAsync(user.Username, Noon, default)).ShouldBeEmpty();
            for (var i = 0; i < AtOnce; i++)
            {
                (await _there.Sessions.FindAsync($"S{round}-{i}", Noon, default)).ShouldBeNull();
                (await RotateAsync(_there, $"S{round}-{i}", "next")).Outcome.ShouldBe(RotateOutcome.Unknown);
            }
        }
    }

    [Fact]
    public async Task No_session_that_is_refreshed_while_the_account_is_disabled_outlives_it()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var user = await UserAsync($"ada{round}");
            var id = $"S{round}";
            (await OpenAsync(_here, user, id)).ShouldBe(OpenSessionOutcome.Opened);
            var refreshing = RefreshOnAsync(id);
            await _here.Users.UpdateAsync(user.Username, new UserChange(Disabled: true), "root", Noon, default);
            var last = await refreshing;
            await _here.Users.UpdateAsync(user.Username, new UserChange(Disabled: false), "root", Noon, default);

            (await _there.Sessions.FindAsync(id, Noon, default)).ShouldBeNull();
            (await RotateAsync(_there, last, "next")).Outcome.ShouldBe(RotateOutcome.Unknown);
        }

        async Task<string> RefreshOnAsync(string token)
        {
            for (var i = 1; i <= AtOnce; i++)
            {
                if ((await RotateAsync(_there, token, $"{token}+")).Outcome != RotateOutcome.Rotated)
                {
                    break;
                }

                token += "+";
            }

            return token;
        }
    }

    [Fact]
    public async Task No_session_slips_past_a_second_factor_and_the_end_of_all_others()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var user = await UserAsync($"ada{round}");
            (await OpenAsync(_here, user, $"K{round}")).ShouldBe(OpenSessionOutcome.Opened);
            await _here.SecondFactors.BeginAsync(user.Username, [1], default);
            var opening = Enumerable.Range(0, AtOnce).Select(i => OpenAsync(_there, user, $"S{round}-{i}")).ToArray();
            (await _here.SecondFactors.ConfirmAsync(user.Username, [1], 7, [], Noon, default)).ShouldBe(ConfirmSecondFactorOutcome.Enabled);
            await _here.Sessions.EndOthersAsync(user.Username, $"K{round}", default);
            await Task.WhenAll(opening);

            (await _there.Sessions.ListAsync(user.Username, Noon, default)).ShouldHaveSingleItem().Id.ShouldBe($"K{round}");
        }
    }

    [Fact]
    public async Task Of_two_servers_that_take_a_token_many_times_one_refreshes_once_and_one_ends_the_session_once()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var user = await UserAsync($"ada{round}");
            await OpenAsync(_here, user, $"S{round}");

            var results = await Task.WhenAll(Enumerable.Range(0, 2 * AtOnce).Select(i => RotateAsync(SideOf(i), $"S{round}", $"n{i}")));

            var outcomes = string.Join(' ', results.Select(r => r.Outcome));
            results.Count(r => r.Outcome == RotateOutcome.Rotated).ShouldBe(1, outcomes);
            results.Count(r => r.Outcome == RotateOutcome.Reused).ShouldBe(1, outcomes);
            (await _here.Sessions.FindAsync($"S{round}", Noon, default)).ShouldBeNull();
            (await EntriesAsync(AuditActions.SessionReuse)).ShouldBe(round + 1);
        }
    }

    [Fact]
    public async Task Sessions_opened_at_once_make_room_for_one_another_and_the_newest_stays()
    {
        var user = await UserAsync("ada");
        var results = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(i =>
            SideOf(i).Sessions.OpenAsync(user, New($"S{i}"), 3, default)));

        results.ShouldAllBe(r => r.Outcome == OpenSessionOutcome.Opened);
        (await _here.Sessions.FindAsync($"S{AtOnce - 1}", Noon, default)).ShouldNotBeNull();
        (await _there.Sessions.ListAsync("ada", Noon, default)).Count.ShouldBe(3);
        (await _here.Sessions.OpenAsync(user, New("T"), 3, default)).Ended.ShouldHaveSingleItem();
        (await _there.Sessions.ListAsync("ada", Noon, default)).Count.ShouldBe(3);
        (await EntriesAsync(AuditActions.AccountLogin)).ShouldBe(AtOnce + 1);
    }

    [Fact]
    public async Task No_lock_becomes_the_property_of_an_account_that_is_deleted_meanwhile()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var name = $"ada{round}";
            await UserAsync(name);
            var registering = Enumerable.Range(0, AtOnce).Select(i => PersistAsync(() => RegisterAsync(SideOf(i), $"D{round}-{i}", name))).ToArray();
            var deleted = await PersistAsync(() => _here.Users.DeleteAsync(name, "root", Noon, default)) == DeleteUserOutcome.Deleted;
            var registered = (await Task.WhenAll(registering)).Count(o => o == RegisterLockOutcome.Registered);

            (await _there.Users.FindAsync(name, default) is null).ShouldBe(deleted);
            var owned = await _database.Collection("locks").CountDocumentsAsync(new BsonDocument("owner", name));
            owned.ShouldBe(deleted ? 0 : registered);
            registered.ShouldBe((int)owned);
        }

        static Task<RegisterLockOutcome> RegisterAsync(StoreSet side, string deviceId, string owner) => side.Locks.RegisterAsync(
            new NewLock(deviceId, "Door", owner, [1, 2, 3], Unsigned: false, Noon),
            StoreSet.ManyLocks,
            new NewAuditEntry(Noon, deviceId, owner, AuditActions.LockRegistered, AuditResults.Registered),
            default);
    }

    private StoreSet SideOf(int i) => i % 2 == 0 ? _here : _there;

    private async Task<User> UserAsync(string name, Role role = Role.User)
    {
        var user = new User(name, null, "hash", role, Noon, false);
        (await _here.Users.CreateAsync(user, default)).ShouldBe(CreateUserOutcome.Created);
        return user;
    }

    private async Task<string[]> EnabledAdminsAsync() =>
        [.. (await _there.Users.ListAsync(new UserFilter(Role.Admin, Disabled: false), null, 100, default)).Items.Select(u => u.Username)];

    /// <summary>Some servers give up one of two writes that wait for each other, where MongoDB does it again.</summary>
    private static async Task<T> PersistAsync<T>(Func<Task<T>> call)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await call();
            }
            catch (StoreUnavailableException) when (tries < 10)
            {
            }
        }
    }

    private Task<long> EntriesAsync(string action) =>
        _database.Collection(LogDocument.Collection).CountDocumentsAsync(Builders<BsonDocument>.Filter.Eq("action", action));

    private static async Task<OpenSessionOutcome> OpenAsync(StoreSet side, User user, string id) =>
        (await side.Sessions.OpenAsync(user, New(id), Most, default)).Outcome;

    private static Task<RotateResult> RotateAsync(StoreSet side, string token, string next) =>
        side.Sessions.RotateAsync(new Rotation(Hash(token), Hash(next), Noon, Noon.AddDays(30), "192.0.2.9"), default);

    /// <summary>Its first token is its id.</summary>
    private static NewSession New(string id) => new(id, Hash(id), Noon, Noon.AddDays(30), "curl/8", "192.0.2.1");

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
