using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

/// <summary>A file that each earlier version wrote, and this one goes on with.</summary>
public sealed class SqliteMigrationTests
{
    /// <summary>What the first version could write.</summary>
    private const string FirstData = """
        INSERT INTO users (name_key, username, email, password_hash, role, created_at, disabled) VALUES
            ('ADA', 'Ada', 'ada@example.org', 'x', 'User', 0, 0), ('BOSS', 'boss', NULL, 'y', 'Admin', 1, 0);
        INSERT INTO locks (device_id, name, owner, status, state, last_seen, sent_at, connected_at, own_topics, last_issued_at, unsigned, created_at)
            VALUES ('D1', 'Door', 'Ada', 'Locked', 'Available', 1780315200000, 1000, 500, 1, 900, 0, 0);
        INSERT INTO device_keys (device_id, protected_key) VALUES ('D1', x'010203');
        INSERT INTO commands (id, device_id, action, requested_by, idempotency_key, issued_at, expires_at, state, result, decided_at)
            VALUES ('C1', 'D1', 'Unlock', 'Ada', 'k1', 900, 10900, 'Done', 'done', 950);
        INSERT INTO logs (time, device_id, actor, action, result, command_id) VALUES
            (100, 'D1', 'Ada', 'lock.register', 'registered', NULL), (900, 'D1', 'Ada', 'command.unlock', 'sent', 'C1'),
            (950, 'D1', 'device:D1', 'command.unlock', 'done', 'C1'), (960, 'D1', 'system', 'lock.state', 'unavailable: No heartbeat', NULL);
        """;

    public static TheoryData<int> EarlierVersions => [.. Enumerable.Range(1, SqliteSchema.Scripts.Count)];

    [Theory]
    [MemberData(nameof(EarlierVersions))]
    public async Task A_store_of_any_earlier_version_is_taken_on_with_all_that_is_in_it(int version)
    {
        using var file = new SqliteTestFile();
        await File.WriteAllBytesAsync(file.Path, []);
        Write(file.Path, version);

        var stores = file.Stores;
        (await stores.Users.FindAsync("ada", default))!.Email.ShouldBe("ada@example.org");
        var found = (await stores.Locks.FindAsync("D1", "Ada", default))!;
        (found.Name, found.Status, found.State, found.LastSeen).ShouldBe(("Door", LockStatus.Locked, LockState.Available, StoreSet.Noon));
        (await stores.Commands.FindAsync("C1", "Ada", default))!.Result.ShouldBe("done");
        (await stores.LogAsync("D1", "Ada")).ShouldBe(["Ada lock.register registered", "Ada command.unlock sent", "device:D1 command.unlock done", "system lock.state unavailable: No heartbeat"]);
        var history = await stores.Locks.FindHistoryAsync("D1", "Ada", StoreSet.Noon, DateTimeOffset.UnixEpoch, 10, default);
        history!.Changes.ShouldBe([new StateChange(DateTimeOffset.FromUnixTimeMilliseconds(960), LockIssues.NoHeartbeat)]);
        (await file.Database.ReadAsync(session => session.Query<string>("SELECT 'broken' FROM pragma_foreign_key_check"), default)).ShouldBeEmpty();

        // And it is written on.
        (await stores.ReportAsync(StoreSet.Report("D1", StoreSet.Noon.AddSeconds(9), LockStatus.Unlocked))).Changed.ShouldBe(["D1"]);
        (await stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C2", "Ada"), default)).Outcome.ShouldBe(IssueOutcome.Issued);
        await stores.ShareAsync("D1", "boss", ShareRole.Viewer, owner: "Ada");
        (await stores.LockAdmin.ReassignAsync(new LockChange("D1", "boss", StoreSet.Noon), "boss", 10, default)).Outcome.ShouldBe(ReassignOutcome.Reassigned);
        (await stores.Locks.RemoveAsync(new LockChange("D1", "boss", StoreSet.Noon), default)).ShouldBe(ChangeLockOutcome.Changed);
        var report = await new AuditVerification(stores.Audit, SqliteTestFile.Chain).RunAsync(null, default);
        (report.IsIntact, report.Entries).ShouldBe((true, 10));
    }

    [Fact]
    public async Task Names_of_deleted_accounts_of_an_earlier_version_stay_taken_under_a_keyed_hash()
    {
        using var file = new SqliteTestFile();
        await File.WriteAllBytesAsync(file.Path, []);
        Write(file.Path, UnboundVersion);
        using (var old = new SqliteSession(file.Path, TimeSpan.FromSeconds(1), SqliteTestFile.Chain))
        {
            old.Execute(
                "INSERT INTO retired_accounts (name_hash, account_id, retired_at) VALUES (@hash, 'ee', 0)", new { hash = AuditChain.PlainNameHashOf("EVE") });
        }

        var eve = new User("Eve", null, "x", Role.User, StoreSet.Noon, Disabled: false);
        (await file.Stores.Users.CreateAsync(eve, default)).ShouldBe(CreateUserOutcome.NameTaken);

        var accounts = await file.Stores.Audit.ReadAccountsAsync(null, 10, default);
        accounts.Single(a => a.Id == "ee").NameHash.ShouldBe(SqliteTestFile.Chain.NameHashOf("EVE"));
        accounts.ShouldAllBe(a => SqliteTestFile.Chain.IsBound(a));
    }

    [Fact]
    public async Task A_store_that_was_made_to_look_like_one_without_bindings_is_not_bound_anew()
    {
        using var file = new SqliteTestFile();
        await file.Stores.CreateUsersAsync("ada", "bob");
        file.Database.Dispose();
        using var session = new SqliteSession(file.Path, TimeSpan.FromSeconds(1), SqliteTestFile.Chain);
        session.Execute($"""
            ALTER TABLE users DROP COLUMN binding; ALTER TABLE retired_accounts DROP COLUMN binding; DROP TABLE key_checks; DROP TABLE known_networks;
            PRAGMA user_version = {UnboundVersion};
            """);

        var failure = Should.Throw<StartupException>(() => SqliteMigrations.Run(session, file.Path, SqliteSchema.Scripts));

        failure.Message.ShouldContain(file.Path);
        failure.Message.ShouldContain("restore a backup");
    }

    /// <summary>The last that did not bind account ids to names.</summary>
    private static int UnboundVersion => SqliteSchema.Scripts.TakeWhile(script => !script.Contains("accounts_unbound", StringComparison.Ordinal)).Count();

    private static void Write(string path, int version)
    {
        using var session = new SqliteSession(path, TimeSpan.FromSeconds(1), SqliteTestFile.Chain);
        SqliteMigrations.Run(session, path, [SqliteSchema.Scripts[0]]);
        session.Execute(FirstData);
        for (var reached = 2; reached <= version; reached++)
        {
            SqliteMigrations.Run(session, path, [.. SqliteSchema.Scripts.Take(reached)]);
        }
    }
}
