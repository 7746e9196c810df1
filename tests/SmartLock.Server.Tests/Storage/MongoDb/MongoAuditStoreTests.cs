namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoAuditStoreTests(MongoFixture fixture) : AuditStoreContract, IClassFixture<MongoFixture>
{
    private protected override SmartLock.Server.Audit.AuditChain Chain => MongoFixture.Chain;

    private protected override async Task<StoreSet> OpenAsync() => MongoFixture.StoresOf(await fixture.StartAsync());

    private protected override Task CloseAsync() => Task.CompletedTask;
}
