namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoDeviceStoreTests(MongoFixture fixture) : DeviceStoreContract, IClassFixture<MongoFixture>
{
    private protected override async Task<StoreSet> OpenAsync() => MongoFixture.StoresOf(await fixture.StartAsync());

    private protected override Task CloseAsync() => Task.CompletedTask;
}
