using SmartLock.Server.Storage.Sqlite;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteDeliveryStoreTests : DeliveryStoreContract
{
    private const string Disable = "UPDATE users SET disabled = 1 WHERE username = @username";
    private const string SelectActions = "SELECT action FROM logs WHERE device_id = '@accounts' ORDER BY id";
    private readonly SqliteTestFile _file = new();

    private protected override IWebhookStore Webhooks => new SqliteWebhookStore(_file.Database);

    private protected override IDeliveryStore Deliveries => new SqliteDeliveryStore(_file.Database);

    private protected override Task DisableAsync(string username) => _file.Database.WriteAsync(
        Durability.Full,
        session => session.Execute(Disable, new { username }),
        default);

    private protected override async Task<IReadOnlyList<string>> LoggedActionsAsync() => await _file.Database.ReadAsync(
        session => session.Query<string>(SelectActions),
        default);

    private protected override Task<StoreSet> OpenAsync() => Task.FromResult(_file.Stores);

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }
}
