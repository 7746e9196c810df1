using SmartLock.Server.Locks;
using SmartLock.Server.Storage.Sqlite;
using SmartLock.Server.Tests.Live;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteLiveStoreTests : LiveStoreContract
{
    private readonly SqliteTestFile _file = new();

    private protected override ILiveStore Live => new SqliteLiveStore(_file.Database);

    private protected override Task ShareAsync(string deviceId, string username, DateTimeOffset? from, DateTimeOffset? until) =>
        Access.ShareAsync(_file.Database, deviceId, username, from, until);

    private protected override Task<StoreSet> OpenAsync() => Task.FromResult(_file.Stores);

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }
}
