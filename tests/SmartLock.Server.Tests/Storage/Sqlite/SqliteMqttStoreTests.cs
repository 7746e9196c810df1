using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Mqtt.Broker.Persistence;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

/// <summary>In the server's own file.</summary>
public sealed class SqliteMqttStoreTests : MqttSessionStoreContract, IDisposable
{
    private readonly SqliteTestFile _file = new();

    protected override IMqttSessionStore Store => new SqliteMqttStore(_file.Database);

    public void Dispose() => _file.Dispose();
}

/// <summary>In a file of its own.</summary>
public sealed class SqliteMqttFileTests : MqttSessionStoreContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-test-").FullName;
    private readonly SqliteDatabase _database;

    public SqliteMqttFileTests()
    {
        _database = Open(SqliteLayout.MqttSessions);
    }

    protected override IMqttSessionStore Store => new SqliteMqttStore(_database);

    [Fact]
    public async Task It_is_not_taken_for_the_servers_store_nor_the_other_way_about()
    {
        await Store.CommitAsync([new MqttBrokerAlive(StoreSet.Noon)], default);
        _database.Dispose();
        using var other = Open(SqliteLayout.Store);
        Should.Throw<StartupException>(other.Open).Message.ShouldContain("another program's database");
    }

    [Fact]
    public async Task A_batch_that_fails_leaves_nothing_behind()
    {
        await Should.ThrowAsync<Exception>(Store.CommitAsync([new MqttBrokerAlive(StoreSet.Noon), null!], default).AsTask());
        await Store.LoadAsync(change => throw new InvalidOperationException(change.ToString()), default);
    }

    public void Dispose()
    {
        _database.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private SqliteDatabase Open(SqliteLayout layout) => new(
        Path.Combine(_folder, "mqtt.db"),
        new SqliteOptions { QueueTimeout = TimeSpan.FromSeconds(30) },
        SqliteTestFile.Chain,
        NullLogger<SqliteDatabase>.Instance,
        layout);
}
