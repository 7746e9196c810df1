using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteAccountChangeTests : AccountChangeContract
{
    private readonly SqliteTestFile _file = new();

    private protected override Task<StoreSet> OpenAsync() => Task.FromResult(_file.Stores);

    private protected override Task GiveAwayAsync(string deviceId, string owner) => _file.Database.WriteAsync(
        Durability.Full,
        session => session.Execute("UPDATE locks SET owner = @owner WHERE device_id = @deviceId", new { deviceId, owner }),
        default);

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }
}
