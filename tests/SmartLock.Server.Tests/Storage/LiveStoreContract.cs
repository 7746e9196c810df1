using SmartLock.Server.Accounts;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage;

public abstract class LiveStoreContract : StoreContract
{
    private protected abstract ILiveStore Live { get; }

    private protected abstract Task ShareAsync(string deviceId, string username, DateTimeOffset? from, DateTimeOffset? until);

    [Fact]
    public async Task A_lock_is_seen_by_its_owner_and_by_those_whose_share_is_valid_now()
    {
        foreach (var name in (string[])["ada", "Bob", "cat", "dan", "eve"])
        {
            await Stores.Users.CreateAsync(new User(name, null, "hash", Role.User, StoreSet.Noon, Disabled: false), default);
        }

        await Stores.RegisterOnlineAsync("D1");
        await Stores.RegisterOnlineAsync("D2", "eve");
        await ShareAsync("D1", "Bob", null, null);
        await ShareAsync("D1", "cat", StoreSet.Noon.AddSeconds(1), null);
        await ShareAsync("D1", "dan", null, StoreSet.Noon);

        var found = await Live.FindAsync(["D1", "D2", "D404"], StoreSet.Noon, default);

        found.Keys.ShouldBe(["D1", "D2"], ignoreOrder: true);
        found["D1"].Audience.Select(n => n.ToUpperInvariant()).ShouldBe(["ADA", "BOB"], ignoreOrder: true);
        found["D1"].Change.ShouldBe(new LockEvent("D1", LockStatus.Locked, LockState.Available, null, StoreSet.Noon));
        found["D2"].Audience.ShouldBe(["eve"]);
        (found["D1"].AccessOf("ADA"), found["D1"].AccessOf("bob"), found["D1"].AccessOf("eve")).ShouldBe((LockAccess.Owner, LockAccess.Viewer, null));
        (await Live.VisibleAsync("BOB", ["D1", "D2"], StoreSet.Noon, default)).ShouldBe(["D1"]);
        (await Live.VisibleAsync("cat", ["D1", "D2"], StoreSet.Noon, default)).ShouldBeEmpty();
        (await Live.VisibleAsync("cat", ["D1"], StoreSet.Noon.AddSeconds(1), default)).ShouldBe(["D1"]);
        (await Live.VisibleAsync("dan", ["D1"], StoreSet.Noon.AddSeconds(-1), default)).ShouldBe(["D1"]);
        (await Live.VisibleAsync("dan", ["D1"], StoreSet.Noon, default)).ShouldBeEmpty();
    }
}
