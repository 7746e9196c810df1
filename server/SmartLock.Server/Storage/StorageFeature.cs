using Microsoft.Extensions.Options;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Storage;

internal static class StorageFeature
{
    private const string DefaultFolder = "data";
    private const string DefaultFile = "smartlock.db";

    public static IServiceCollection AddStorage(this IServiceCollection services, IConfiguration configuration)
    {
        var provider = configuration["Storage:Provider"] ?? "Sqlite";
        return provider.ToUpperInvariant() switch
        {
            "SQLITE" => services.AddSqlite(configuration),
            "MONGODB" => throw new ConfigurationException(
                "Storage:Provider is MongoDb, which this build does not contain: use the container image, or build with -p:Adapters=all."),
            _ => throw new ConfigurationException($"Storage:Provider is '{provider}': choose Sqlite or MongoDb."),
        };
    }

    private static IServiceCollection AddSqlite(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SqliteOptions>()
            .Bind(configuration.GetSection(SqliteOptions.Section))
            .Validate(options => options.Readers is >= 1 and <= 256, "Storage:Sqlite:Readers must be 1 to 256.")
            .Validate(options => options.MaxQueuedWrites is >= 1 and <= 100_000, "Storage:Sqlite:MaxQueuedWrites must be 1 to 100000.")
            .Validate(options => IsPatience(options.BusyTimeout), "Storage:Sqlite:BusyTimeout must be over 0 and at most a minute.")
            .Validate(options => IsPatience(options.QueueTimeout), "Storage:Sqlite:QueueTimeout must be over 0 and at most a minute.")
            .ValidateOnStart();
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<SqliteOptions>>().Value;
            var file = options.File is { Length: > 0 } named
                ? named
                : Path.Combine(configuration["Data:Folder"] ?? DefaultFolder, DefaultFile);
            return new SqliteDatabase(file, options, provider.GetRequiredService<ILogger<SqliteDatabase>>());
        });
        services.AddHostedService<SqliteStart>();
        services.AddHealthChecks().AddCheck<SqliteHealthCheck>("store");
        return services
            .AddSingleton<IUserStore, SqliteUserStore>()
            .AddSingleton<ILockStore, SqliteLockStore>()
            .AddSingleton<ICommandStore, SqliteCommandStore>()
            .AddSingleton<IDeviceStore, SqliteDeviceStore>()
            .AddSingleton<IAuditStore, SqliteAuditStore>();
    }

    private static bool IsPatience(TimeSpan time) => time > TimeSpan.Zero && time <= TimeSpan.FromMinutes(1);
}
