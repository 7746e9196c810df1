using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Storage.MongoDb;

public sealed class MongoRemovedLockTests(MongoFixture fixture) : RemovedLockContract, IClassFixture<MongoFixture>
{
    private IServiceProvider _server = null!;

    private protected override IWebhookStore Webhooks => _server.GetRequiredService<IWebhookStore>();

    private protected override IDeliveryStore Deliveries => _server.GetRequiredService<IDeliveryStore>();

    private protected override IReadOnlyList<string> LogPlaces => ["log_heads", "logs"];

    private protected override async Task<IReadOnlyList<string>> FindPlacesAsync(string text) =>
        await MongoFixture.CollectionsWithAsync(_server.GetRequiredService<MongoDatabase>().Raw, text);

    private protected override async Task<StoreSet> OpenAsync()
    {
        _server = await fixture.StartAsync();
        return MongoFixture.StoresOf(_server);
    }

    private protected override Task CloseAsync() => Task.CompletedTask;
}
