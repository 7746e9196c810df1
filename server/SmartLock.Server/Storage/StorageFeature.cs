using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Options;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Replicas;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Storage.Sqlite;
using SmartLock.Server.Telemetry;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage;

internal static class StorageFeature
{
    private const string Sqlite = "Sqlite";
    private const string DefaultFile = "smartlock.db";
    private static readonly TimeSpan HealthWithin = TimeSpan.FromSeconds(3);

    public static IServiceCollection AddStorage(this IServiceCollection services, IConfiguration configuration)
    {
        var provider = ProviderOf(configuration);
        return provider.ToUpperInvariant() switch
        {
            "SQLITE" => services.AddSqlite().AddMqttSessions(configuration),
            "MONGODB" => services.AddMongo().AddSqliteOptions().AddMqttSessions(configuration),
            _ => throw new StartupException($"Storage:Provider is '{provider}': choose Sqlite or MongoDb."),
        };
    }

    public static bool IsSqlite(IConfiguration configuration) => ProviderOf(configuration).Equals(Sqlite, StringComparison.OrdinalIgnoreCase);

    /// <summary>Where the store is, and the setting that says so, for somebody who looks for something in the wrong one.</summary>
    public static string PlaceOf(IConfiguration configuration, DataFolder folder) => IsSqlite(configuration)
        ? $"the store of {folder.Path}. Is {DataFolder.Setting} right?"
        : $"the database {configuration["Storage:MongoDb:Database"] ?? "smartlock"}. Are the settings Storage:MongoDb:Database and ConnectionString right?";

    /// <summary>For a command that writes; the server opens the store at its start.</summary>
    /// <exception cref="StartupException">Says in one sentence what to mend.</exception>
    public static async Task OpenAsync(IServiceProvider services, CancellationToken ct)
    {
        services.GetService<SqliteDatabase>()?.Open();
        if (services.GetService<MongoDatabase>() is { } mongo)
        {
            await mongo.ReadAsync(_ => Task.CompletedTask, ct);
        }
    }

    /// <summary>For a command that only reads: makes nothing. False when there is no store, or an empty one.</summary>
    /// <exception cref="StartupException">Says in one sentence what to mend.</exception>
    public static async Task<bool> OpenToReadAsync(IServiceProvider services, CancellationToken ct) => services.GetService<MongoDatabase>() is { } mongo
        ? await mongo.OpenToReadAsync(ct)
        : services.GetRequiredService<SqliteDatabase>().OpenToRead();

    private static string ProviderOf(IConfiguration configuration) => configuration["Storage:Provider"] ?? Sqlite;

    /// <summary>The broker's sessions may be in a SQLite file whatever the rest is in.</summary>
    private static IServiceCollection AddSqliteOptions(this IServiceCollection services) =>
        services.AddValidatedOptions<SqliteOptions>(SqliteOptions.Section, SqliteOptions.Check);

    private static IServiceCollection AddSqlite(this IServiceCollection services)
    {
        services.AddSqliteOptions();
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<SqliteOptions>>().Value;
            var file = options.File is { Length: > 0 } named ? named : provider.GetRequiredService<DataFolder>().File(DefaultFile);
            return new SqliteDatabase(
                file,
                options,
                provider.GetRequiredService<AuditChain>(),
                provider.GetRequiredService<ILogger<SqliteDatabase>>(),
                keys: provider.GetRequiredService<SqliteKeys>());
        });
        services.AddSingleton<SqliteKeys>();
        services.AddSingleton<SqliteKeyRing>();
        services.AddOptions<KeyManagementOptions>().PostConfigure<SqliteKeyRing>((keys, ring) => keys.XmlRepository = ring);
        services.AddGauge<SqliteDatabase>(
            TelemetryNames.StoreWritesQueued, "{write}", "Writes that wait for their turn in the store.", database => database.QueuedWrites);
        services.AddHostedService<SqliteStart>();
        services.AddHealthChecks().AddCheck<SqliteHealthCheck>("store", timeout: HealthWithin);
        return services
            .AddSingleton<IUserStore, SqliteUserStore>()
            .AddSingleton<ISessionStore, SqliteSessionStore>()
            .AddSingleton<ISecondFactorStore, SqliteSecondFactorStore>()
            .AddSingleton<ILockStore, SqliteLockStore>()
            .AddSingleton<IShareStore, SqliteShareStore>()
            .AddSingleton<IPairingStore, SqlitePairingStore>()
            .AddSingleton<ILockAdminStore, SqliteLockAdminStore>()
            .AddSingleton<ICommandStore, SqliteCommandStore>()
            .AddSingleton<IDeviceStore, SqliteDeviceStore>()
            .AddSingleton<IAuditStore, SqliteAuditStore>()
            .AddSingleton<IImportStore, SqliteImportStore>()
            .AddSingleton<ILiveStore, SqliteLiveStore>()
            .AddSingleton<IWebhookStore, SqliteWebhookStore>()
            .AddSingleton<IDeliveryStore, SqliteDeliveryStore>()
            .AddSingleton<ILeaseStore, SqliteLeaseStore>();
    }
}
