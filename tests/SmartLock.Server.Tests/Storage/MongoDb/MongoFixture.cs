using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.MongoDb;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>
/// A database of its own for each test class, dropped at its end, on the server that the variable names, or that <see cref="MongoContainer"/>
/// started. Tests are skipped where there is neither, or nothing answers there.
/// </summary>
public sealed class MongoFixture : IAsyncLifetime
{
    public const string Variable = "SMARTLOCK_TEST_MONGODB";

    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(5);

    private const int MostDrops = 15;

    private readonly List<ServiceProvider> _servers = [];
    private string? _missing;

    internal static AuditChain Chain { get; } = new([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);

    internal MongoOptions Options { get; } = new()
    {
        ConnectionString = Environment.GetEnvironmentVariable(Variable) ?? "",
        Database = $"test_{Guid.NewGuid():N}",
    };

    public async ValueTask InitializeAsync()
    {
        if (Options.ConnectionString.Length == 0)
        {
            _missing = $"MongoDB: {Variable} names no server (such as mongodb://127.0.0.1:27017), and no Docker engine answers that could start one.";
            return;
        }

        try
        {
            var (_, database) = Connect();
            using var overdue = new CancellationTokenSource(AnswersWithin);
            await database.RunCommandAsync<BsonDocument>(new BsonDocument("ping", 1), cancellationToken: overdue.Token);
        }
        catch (Exception e) when (e is TimeoutException or MongoException or OperationCanceledException)
        {
            _missing = $"No MongoDB answers at what {Variable} says: {e.GetType().Name}.";
        }
    }

    /// <summary>What one server process has, on an emptied database.</summary>
    internal async Task<IServiceProvider> StartAsync(TimeProvider? time = null)
    {
        await EmptyAsync();
        var server = AddServer(time);
        await server.GetRequiredService<MongoDatabase>().ReadAsync(_ => Task.CompletedTask, default);
        return server;
    }

    /// <summary>Past the servers, since one with another audit key would not open it.</summary>
    internal async Task EmptyAsync()
    {
        Assert.SkipWhen(_missing is not null, _missing ?? "");
        var (client, database) = Connect();
        using (client)
        {
            foreach (var name in await (await database.ListCollectionNamesAsync()).ToListAsync())
            {
                await database.GetCollection<BsonDocument>(name).DeleteManyAsync(Builders<BsonDocument>.Filter.Empty);
            }
        }
    }

    /// <summary>Another process beside the others on the same database.</summary>
    internal IServiceProvider AddServer(TimeProvider? time = null, AuditChain? chain = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(time ?? TimeProvider.System);
        services.AddSingleton(chain ?? Chain);
        services.AddSingleton(Microsoft.Extensions.Options.Options.Create(Options));
        services.AddMongoStores();
        var server = services.BuildServiceProvider();
        _servers.Add(server);
        return server;
    }

    /// <summary>What is not registered is null, and fails the test that uses it.</summary>
    internal static StoreSet StoresOf(IServiceProvider server) => new(
        server.GetService<IUserStore>()!,
        server.GetService<ILockStore>()!,
        server.GetService<ICommandStore>()!,
        server.GetService<IDeviceStore>()!,
        server.GetService<IAuditStore>()!,
        server.GetService<ISessionStore>()!,
        server.GetService<ISecondFactorStore>()!,
        server.GetService<IShareStore>()!,
        server.GetService<ILockAdminStore>()!,
        server.GetService<IPairingStore>()!);

    /// <summary>The same database, seen past the server.</summary>
    internal (MongoClient Client, IMongoDatabase Database) Connect()
    {
        var settings = MongoClientSettings.FromConnectionString(Options.ConnectionString);
        settings.ServerSelectionTimeout = AnswersWithin;
        var client = new MongoClient(settings);
        return (client, client.GetDatabase(Options.Database));
    }

    /// <summary>Which collections hold the text, in an id or anywhere else.</summary>
    internal static async Task<string[]> CollectionsWithAsync(IMongoDatabase database, string text)
    {
        var found = new List<string>();
        foreach (var name in await (await database.ListCollectionNamesAsync()).ToListAsync())
        {
            var documents = await database.GetCollection<BsonDocument>(name).Find(Builders<BsonDocument>.Filter.Empty).ToListAsync();
            if (documents.Exists(d => d.ToJson().Contains(text, StringComparison.Ordinal)))
            {
                found.Add(name);
            }
        }

        return [.. found.Order(StringComparer.Ordinal)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        if (_missing is null)
        {
            var (client, _) = Connect();
            using (client)
            {
                await DropAsync(client);
            }
        }
    }

    /// <summary>A server that was killed may have left a transaction open: it stands in the way until the store ends it.</summary>
    private async Task DropAsync(MongoClient client)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await client.DropDatabaseAsync(Options.Database);
                return;
            }
            catch (MongoException) when (tries < MostDrops)
            {
                await Task.Delay(AnswersWithin);
            }
        }
    }
}
