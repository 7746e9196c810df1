using SmartLock.Server.Audit;
using SmartLock.Server.Locks;
using Lock = SmartLock.Server.Locks.Lock;

namespace SmartLock.Server.Tests.Storage;

public abstract class LockStoreContract : StoreContract
{
    [Fact]
    public async Task A_new_lock_is_unknown_and_has_never_reported()
    {
        (await Stores.RegisterAsync("D1")).ShouldBe(RegisterLockOutcome.Registered);
        var found = await Stores.Locks.FindAsync("D1", "ada", StoreSet.Noon, default);
        found!.Access.ShouldBe(LockAccess.Owner);
        found.Lock.ShouldBe(new Lock
        {
            DeviceId = "D1",
            Name = "Door D1",
            Owner = "ada",
            Status = LockStatus.Unknown,
            State = LockState.Unavailable,
            Issue = LockIssues.NoHeartbeat,
            CreatedAt = StoreSet.Noon,
        });
    }

    [Fact]
    public async Task An_unsigned_lock_is_known_as_one()
    {
        var entry = new NewAuditEntry(StoreSet.Noon, "D1", "ada", AuditActions.LockRegistered, AuditResults.Registered);
        await Stores.Locks.RegisterAsync(new NewLock("D1", "Sketch", "ada", [1], Unsigned: true, StoreSet.Noon), 10, entry, default);
        (await Stores.Locks.FindAsync("D1", "ada", StoreSet.Noon, default))!.Lock.Unsigned.ShouldBeTrue();
        (await Stores.Devices.FindAsync("D1", default))!.Unsigned.ShouldBeTrue();
        await Stores.ReportAsync(StoreSet.Report("D1"));
        (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1"), default)).Route!.Unsigned.ShouldBeTrue();
    }

    [Fact]
    public async Task Registering_is_logged()
    {
        await Stores.RegisterAsync("D1");
        (await Stores.LogAsync("D1")).ShouldBe(["ada lock.register registered"]);
    }

    [Fact]
    public async Task A_foreign_lock_and_a_missing_one_look_the_same()
    {
        await Stores.RegisterAsync("D1");
        (await Stores.Locks.FindAsync("D1", "eve", StoreSet.Noon, default)).ShouldBeNull();
        (await Stores.Locks.FindAsync("D2", "eve", StoreSet.Noon, default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_taken_device_id_stays_with_its_owner_and_is_not_logged()
    {
        await Stores.RegisterAsync("D1");
        (await Stores.RegisterAsync("D1", "eve", [9])).ShouldBe(RegisterLockOutcome.DeviceIdTaken);
        (await Stores.Devices.FindAsync("D1", default))!.ProtectedKey.ShouldBe([1, 2, 3]);
        (await Stores.LogAsync("D1")).Length.ShouldBe(1);
        (await Stores.LogAsync("D1", "eve")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_twenty_that_want_a_device_id_at_once_one_gets_it()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Stores.RegisterAsync("D1", $"user{i}")));
        outcomes.Count(outcome => outcome == RegisterLockOutcome.Registered).ShouldBe(1);
        outcomes.Count(outcome => outcome == RegisterLockOutcome.DeviceIdTaken).ShouldBe(19);
    }

    [Fact]
    public async Task Device_ids_are_compared_with_case()
    {
        await Stores.RegisterAsync("d1");
        (await Stores.RegisterAsync("D1")).ShouldBe(RegisterLockOutcome.Registered);
    }

    [Fact]
    public async Task Nobody_passes_the_bound_even_at_once()
    {
        await Stores.RegisterAsync("X", "eve", maxPerOwner: 3);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Stores.RegisterAsync($"D{i}", maxPerOwner: 3)));
        outcomes.Count(outcome => outcome == RegisterLockOutcome.Registered).ShouldBe(3);
        outcomes.Count(outcome => outcome == RegisterLockOutcome.TooManyLocks).ShouldBe(17);
        (await Stores.Locks.ListAsync("ada", StoreSet.Noon, null, 100, default)).Items.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_list_is_the_owners_in_order_of_device_id()
    {
        foreach (var id in (string[])["D3", "D1", "D2"])
        {
            await Stores.RegisterAsync(id);
        }

        await Stores.RegisterAsync("D0", "eve");
        var page = await Stores.Locks.ListAsync("ada", StoreSet.Noon, null, 100, default);
        page.Items.Select(item => item.Lock.DeviceId).ShouldBe(["D1", "D2", "D3"]);
        page.Next.ShouldBeNull();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(10)]
    public async Task Pages_together_are_the_list(int limit)
    {
        for (var i = 0; i < 10; i++)
        {
            await Stores.RegisterAsync($"D{i}");
        }

        var seen = new List<string>();
        string? after = null;
        for (var pages = 1; ; pages++)
        {
            var page = await Stores.Locks.ListAsync("ada", StoreSet.Noon, after, limit, default);
            seen.AddRange(page.Items.Select(item => item.Lock.DeviceId));
            if (page.Next is null)
            {
                pages.ShouldBe(10 / limit);
                break;
            }

            page.Items.Count.ShouldBe(limit);
            LockCursor.Instance.TryDecode(page.Next, out after).ShouldBeTrue();
        }

        seen.ShouldBe(Enumerable.Range(0, 10).Select(i => $"D{i}"));
    }

    [Fact]
    public async Task Texts_come_back_as_they_went_in()
    {
        const string Name = "Tür 🚪 'x'; DROP TABLE locks; --";
        var entry = new NewAuditEntry(StoreSet.Noon, "D1", "ada", AuditActions.LockRegistered, AuditResults.Registered);
        await Stores.Locks.RegisterAsync(new NewLock("D1", Name, "ada", [0], Unsigned: false, StoreSet.Noon), 10, entry, default);
        (await Stores.Locks.FindAsync("D1", "ada", StoreSet.Noon, default))!.Lock.Name.ShouldBe(Name);
    }
}
