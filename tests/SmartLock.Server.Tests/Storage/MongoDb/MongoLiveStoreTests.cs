using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoLiveStoreTests(MongoFixture fixture) : LiveStoreContract, IClassFixture<MongoFixture>
{
    private IServiceProvider _server = null!;

    private protected override ILiveStore Live => _server.GetRequiredService<ILiveStore>();

    private protected override async Task<StoreSet> OpenAsync() => MongoFixture.StoresOf(_server = await fixture.StartAsync());

    private protected override Task CloseAsync() => Task.CompletedTask;

    private protected override Task ShareAsync(string deviceId, string username, DateTimeOffset? from, DateTimeOffset? until) =>
        Stores.ShareAsync(deviceId, username, Server.Locks.ShareRole.Viewer, from, until);
}
