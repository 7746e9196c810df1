using SmartLock.Server.Audit;
using SmartLock.Server.Legacy;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteImportStoreTests : ImportStoreContract, IDisposable
{
    private readonly SqliteTestFile _file = new();

    private protected override AuditChain Chain => SqliteTestFile.Chain;

    public void Dispose() => _file.Dispose();

    private protected override Task<(IImportStore Import, IAuditStore Audit)> OpenAsync() =>
        Task.FromResult<(IImportStore, IAuditStore)>((new SqliteImportStore(_file.Database), _file.Stores.Audit));
}
