using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteAccountChangeTests : AccountChangeContract
{
    private readonly SqliteTestFile _file = new();

    private protected override Task<StoreSet> OpenAsync() => Task.FromResult(_file.Stores);

    private protected override Task GiveAwayAsync(string deviceId, string owner) => _file.Database.WriteAsync(
        Durability.Full,
        session =>
        {
            using var update = session.Use("UPDATE locks SET owner = ?2 WHERE device_id = ?1");
            return update.Bind(1, deviceId).Bind(2, owner).Run();
        },
        default);

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }
}
