using Microsoft.Extensions.Diagnostics.HealthChecks;
using MongoDB.Bson;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Healthy when the primary answers, since without one there are no writes.</summary>
internal sealed class MongoHealthCheck(MongoDatabase database) : IHealthCheck
{
    private static readonly BsonDocument Ping = new("ping", 1);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await database.ReadAsync(ct => database.Raw.RunCommandAsync<BsonDocument>(Ping, cancellationToken: ct), cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (StoreUnavailableException failure)
        {
            return HealthCheckResult.Unhealthy(failure.Message);
        }
    }
}
