using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Audit;
using SmartLock.Server.Legacy;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoImportStoreTests(MongoFixture fixture) : ImportStoreContract, IClassFixture<MongoFixture>
{
    private protected override AuditChain Chain => MongoFixture.Chain;

    private protected override async Task<(IImportStore Import, IAuditStore Audit)> OpenAsync()
    {
        var server = await fixture.StartAsync();
        return (server.GetRequiredService<IImportStore>(), server.GetRequiredService<IAuditStore>());
    }
}
