namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteAuditStoreTests : AuditStoreContract
{
    private readonly SqliteTestFile _file = new();

    private protected override SmartLock.Server.Audit.AuditChain Chain => SqliteTestFile.Chain;

    private protected override Task<StoreSet> OpenAsync() => Task.FromResult(_file.Stores);

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }
}
