using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage;

public abstract class AuditStoreContract : StoreContract
{
    private protected abstract AuditChain Chain { get; }

    [Fact]
    public async Task Accounts_are_bound_to_their_names_and_deleted_ones_to_a_hash_of_it_that_nobody_can_try_names_against()
    {
        await Stores.CreateUsersAsync("Ada", "bob", "carol");
        (await Stores.Users.DeleteAsync("bob", "bob", StoreSet.Noon, default)).ShouldBe(DeleteUserOutcome.Deleted);

        var accounts = await Stores.Audit.ReadAccountsAsync(null, 10, default);

        accounts.Select(a => a.Id).ShouldBe(accounts.Select(a => a.Id).Order(StringComparer.Ordinal));
        accounts.Select(a => a.Username).ShouldBe(["Ada", "carol", null], ignoreOrder: true);
        accounts.ShouldAllBe(a => Chain.IsBound(a));
        var gone = accounts.Single(a => a.Username is null);
        gone.NameHash.ShouldBe(Chain.NameHashOf("BOB"));
        gone.NameHash.ShouldNotBe(AuditChain.PlainNameHashOf("BOB"));
        (await Stores.Users.CreateAsync(new User("Bob", null, "x", Role.User, StoreSet.Noon, Disabled: false), default)).ShouldBe(CreateUserOutcome.NameTaken);

        var pages = new List<string>();
        for (IReadOnlyList<AccountBinding> page; (page = await Stores.Audit.ReadAccountsAsync(pages.LastOrDefault(), 1, default)).Count > 0;)
        {
            pages.Add(page.Single().Id);
        }

        pages.ShouldBe(accounts.Select(a => a.Id));
    }

    [Fact]
    public async Task Entries_of_all_own_locks_come_newest_first()
    {
        await Stores.RegisterAsync("D1");
        await Stores.RegisterAsync("E1", "eve");
        await Stores.RegisterAsync("D2");
        await Stores.ReportAsync(StoreSet.Report("D1"), StoreSet.Report("E1"));
        var entries = (await Stores.Audit.ListAsync("ada", AuditFilter.None, null, 100, default)).Items;
        entries.Select(entry => $"{entry.DeviceId} {entry.Action}").ShouldBe(["D1 lock.state", "D2 lock.register", "D1 lock.register"]);
        entries.Select(entry => entry.Id).ShouldBe(entries.Select(entry => entry.Id).OrderDescending());
    }

    [Fact]
    public async Task Of_one_lock_only_when_asked_and_nothing_of_a_strangers()
    {
        await Stores.RegisterAsync("D1");
        await Stores.RegisterAsync("D2");
        (await Stores.Audit.ListAsync("ada", new AuditFilter("D1"), null, 100, default)).Items.Single().DeviceId.ShouldBe("D1");
        (await Stores.Audit.ListAsync("eve", new AuditFilter("D1"), null, 100, default)).Items.ShouldBeEmpty();
        (await Stores.Audit.ListAsync("eve", new AuditFilter("D9"), null, 100, default)).Items.ShouldBeEmpty();
        (await Stores.Audit.ListAsync("eve", AuditFilter.None, null, 100, default)).Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_was_before_an_owner_had_the_lock_is_not_theirs_to_read()
    {
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C0", "eve"), default);
        await Stores.RegisterAsync("D1");
        (await Stores.LogAsync("D1")).ShouldBe(["ada lock.register registered"]);
        await Stores.Users.CreateAsync(new User("bert", null, "x", Role.User, StoreSet.Noon, Disabled: false), default);

        await Stores.LockAdmin.ReassignAsync(new LockChange("D1", "boss", StoreSet.Noon), "bert", StoreSet.ManyLocks, default);

        (await Stores.LogAsync("D1")).ShouldBeEmpty();
        (await Stores.LogAsync("D1", "bert")).ShouldHaveSingleItem().ShouldStartWith("boss lock.reassign ");
        (await Stores.Audit.ListAllAsync(new AuditFilter("D1"), null, 10, default)).Items.Count.ShouldBe(4);
        var given = (await Stores.Audit.ListAsync("bert", new AuditFilter("D1"), null, 10, default)).Items.Single();
        given.Target.ShouldBe("bert");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(100)]
    public async Task Pages_together_are_the_whole_log(int limit)
    {
        for (var i = 0; i < 5; i++)
        {
            await Stores.RegisterOnlineAsync($"D{i}");
            await Stores.RegisterOnlineAsync($"E{i}", "eve");
        }

        // One lock with most of the entries, so that pages begin amid its log.
        for (var i = 0; i < 15; i++)
        {
            await Stores.Commands.IssueAsync(StoreSet.Unlock("D2", $"C{i}"), default);
        }

        var seen = new List<long>();
        long? before = null;
        while (true)
        {
            var page = await Stores.Audit.ListAsync("ada", AuditFilter.None, before, limit, default);
            page.Items.Count.ShouldBeLessThanOrEqualTo(limit);
            page.Items.ShouldAllBe(entry => entry.DeviceId.StartsWith('D'));
            seen.AddRange(page.Items.Select(entry => entry.Id));
            if (page.Next is null)
            {
                break;
            }

            AuditCursor.TryDecode(page.Next, out var next).ShouldBeTrue();
            before = next;
        }

        seen.Count.ShouldBe(25);
        seen.ShouldBe(seen.Distinct().OrderDescending());
    }
}
