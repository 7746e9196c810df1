using SmartLock.Server.Replicas;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteLeaseStoreTests : LeaseStoreContract
{
    private readonly SqliteTestFile _file = new();

    private protected override Task<ILeaseStore> OpenAsync() => Task.FromResult<ILeaseStore>(new SqliteLeaseStore(_file.Database));

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }
}
