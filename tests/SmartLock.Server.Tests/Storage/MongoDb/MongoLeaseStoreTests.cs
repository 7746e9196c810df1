using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Replicas;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoLeaseStoreTests(MongoFixture fixture) : LeaseStoreContract, IClassFixture<MongoFixture>
{
    private protected override async Task<ILeaseStore> OpenAsync() => (await fixture.StartAsync()).GetRequiredService<ILeaseStore>();

    private protected override Task CloseAsync() => Task.CompletedTask;
}
