using Microsoft.Extensions.Options;
using SmartLock.Mqtt.Broker.Persistence;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Storage;

/// <summary>What the embedded broker keeps across a restart, where the operator asks for it.</summary>
internal static class MqttSessions
{
    private const string FileName = "mqtt.db";

    public static IServiceCollection AddMqttSessions(this IServiceCollection services, IConfiguration configuration)
    {
        // Read before options are validated, which then name a wrong value.
        if (!Enum.TryParse<MqttPersistence>(configuration["Mqtt:Persistence"], ignoreCase: true, out var where) || where == MqttPersistence.None)
        {
            return services;
        }

        if (where == MqttPersistence.Database && !StorageFeature.IsSqlite(configuration))
        {
            throw new StartupException("Mqtt:Persistence is Database, which is the server's SQLite file, and Storage:Provider is another: choose File or None.");
        }

        services.AddSingleton(provider => where == MqttPersistence.File
            ? new SqliteMqttStore(Open(provider))
            : new SqliteMqttStore(provider.GetRequiredService<SqliteDatabase>()));
        services.AddSingleton<IMqttSessionStore>(provider => provider.GetRequiredService<SqliteMqttStore>());
        services.AddHealthChecks().AddCheck<SqliteMqttHealth>("mqtt-sessions");
        if (where == MqttPersistence.File)
        {
            services.AddSingleton<MqttSessionFile>();
        }

        return services;
    }

    private static SqliteDatabase Open(IServiceProvider provider) => provider.GetRequiredService<MqttSessionFile>().Database;

    /// <summary>Its own type, since the server's database is registered under the common one.</summary>
    private sealed class MqttSessionFile(
        DataFolder folder,
        IOptions<SqliteOptions> options,
        AuditChain chain,
        ILogger<SqliteDatabase> logger) : IDisposable
    {
        public SqliteDatabase Database { get; } = new(folder.File(FileName), options.Value, chain, logger, SqliteLayout.MqttSessions);

        public void Dispose() => Database.Dispose();
    }
}
