using SmartLock.Server.Storage.Sqlite;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteRemovedLockTests : RemovedLockContract
{
    private const string SelectTables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    private const string SelectColumns = "SELECT name FROM pragma_table_info(@table)";
    private readonly SqliteTestFile _file = new();

    private protected override IWebhookStore Webhooks => new SqliteWebhookStore(_file.Database);

    private protected override IDeliveryStore Deliveries => new SqliteDeliveryStore(_file.Database);

    private protected override IReadOnlyList<string> LogPlaces => ["log_heads", "logs"];

    private protected override Task<IReadOnlyList<string>> FindPlacesAsync(string text) => _file.Database.ReadAsync<IReadOnlyList<string>>(
        session => [.. session.Query<string>(SelectTables).Where(table => Holds(session, table, text))], default).AsTask();

    private protected override Task<StoreSet> OpenAsync() => Task.FromResult(_file.Stores);

    private protected override Task CloseAsync()
    {
        _file.Dispose();
        return Task.CompletedTask;
    }

    private static bool Holds(SqliteSession session, string table, string text)
    {
        var inAny = string.Join(" OR ", session.Query<string>(SelectColumns, new { table }).Select(column => $"instr(CAST({column} AS TEXT), @text) > 0"));
        return session.Scalar<bool>($"SELECT EXISTS (SELECT 1 FROM {table} WHERE {inAny})", new { text });
    }
}
