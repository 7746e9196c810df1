using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteLockChangeTests : LockChangeContract
{
    private readonly SqliteTestFile _file = new();

    [Fact]
    public async Task The_log_that_an_owner_sees_begins_where_the_lock_became_his()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", "eve"), default);
        await Stores.RegisterOnlineAsync("D1");
        (await FirstEntryAsync("D1")).ShouldBe("lock.register registered");

        await Stores.LockAdmin.ReassignAsync(new LockChange("D1", "boss", StoreSet.Noon), "bob", 10, default);

        (await FirstEntryAsync("D1")).ShouldBe("lock.reassign given to");
        var history = await Stores.Locks.FindHistoryAsync("D1", "bob", StoreSet.Noon, StoreSet.Noon.AddDays(-1), 10, default);
        history!.Changes.ShouldBeEmpty("the lock was reported in its former owner's time");
    }

    private protected override Task<StoreSet> OpenAsync() => Task.FromResult(_file.Stores);

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }

    private Task<string> FirstEntryAsync(string deviceId) => _file.Database.ReadAsync(
        session => session.Find<string>(
            "SELECT action || ' ' || result FROM logs JOIN locks ON logs.id = log_from WHERE locks.device_id = @deviceId", new { deviceId })!,
        default).AsTask();
}
