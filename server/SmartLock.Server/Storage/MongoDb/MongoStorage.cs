using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Options;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Replicas;
using SmartLock.Server.Storage.MongoDb.Migrations;
using SmartLock.Server.Telemetry;

namespace SmartLock.Server.Storage.MongoDb;

internal static class MongoStorage
{
    private static readonly TimeSpan HealthWithin = TimeSpan.FromSeconds(3);

    public static IServiceCollection AddMongo(this IServiceCollection services)
    {
        services.AddValidatedOptions<MongoOptions>(MongoOptions.Section, MongoOptions.Check);
        services.AddHostedService<MongoStart>();
        services.AddHostedService(provider => provider.GetRequiredService<MongoForgetting>());
        services.AddOptions<KeyManagementOptions>().PostConfigure<MongoKeyRing>((keys, ring) => keys.XmlRepository = ring);
        services.AddGauge<MongoDatabase>(
            TelemetryNames.StoreWritesQueued, "{write}", "Writes that wait for their turn in the store.", database => database.QueuedWrites);
        services.AddHealthChecks().AddCheck<MongoHealthCheck>("store", timeout: HealthWithin);
        // The keys first: what is set up after them is written under them.
        return services.AddMongoPart<MongoKeys>().AddMongoStores().AddMongoPart<MongoExpiry>();
    }

    /// <summary>The stores and what they share; the options and the audit chain are the caller's to register.</summary>
    public static IServiceCollection AddMongoStores(this IServiceCollection services)
    {
        services.AddSingleton(provider => new MongoDatabase(
            provider.GetRequiredService<IOptions<MongoOptions>>().Value,
            provider.GetServices<IMongoSetup>,
            provider.GetRequiredService<AuditChain>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<MongoDatabase>>()));
        services.AddSingleton(provider => provider.GetRequiredService<MongoDatabase>().Names);
        services.AddMongoPart<MongoKeyRing>();
        services.AddMongoPart<MongoMigrations>();
        services.AddMongoDocument<LogDocument>().AddMongoDocument<LogHeadDocument>().AddMongoDocument<CommandDocument>();
        services.AddSingleton<MongoCommandEnds>();
        services.AddSingleton<MongoHeartbeats>();
        services.AddMongoLocks();
        return services
            .AddMongoStore<ICommandStore, MongoCommandStore>()
            .AddMongoStore<IDeviceStore, MongoDeviceStore>()
            .AddMongoStore<IAuditStore, MongoAuditStore>()
            .AddMongoStore<IImportStore, MongoImportStore>()
            .AddMongoStore<ILiveStore, MongoLiveStore>()
            .AddMongoStore<ILeaseStore, MongoLeaseStore>()
            .AddMongoAccounts();
    }

    /// <summary>A store under its interface, and with what it sets up where it does.</summary>
    public static IServiceCollection AddMongoStore<TInterface, TStore>(this IServiceCollection services)
        where TInterface : class
        where TStore : class, TInterface =>
        services.AddMongoPart<TStore>().AddSingleton<TInterface>(provider => provider.GetRequiredService<TStore>());

    /// <summary>A collection whose indexes are to be there.</summary>
    public static IServiceCollection AddMongoDocument<T>(this IServiceCollection services)
        where T : IMongoDocument<T> =>
        services.AddSingleton<IMongoSetup, MongoIndexes<T>>();

    public static IServiceCollection AddMongoPart<T>(this IServiceCollection services)
        where T : class
    {
        services.AddSingleton<T>();
        if (typeof(T).IsAssignableTo(typeof(IMongoSetup)))
        {
            services.AddSingleton(provider => (IMongoSetup)provider.GetRequiredService<T>());
        }

        return services;
    }
}
