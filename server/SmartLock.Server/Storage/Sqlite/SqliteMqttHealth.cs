using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>The broker tries a failed write again by itself, so this heals without traffic.</summary>
internal sealed class SqliteMqttHealth(SqliteMqttStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(store.WriteFailure is { } failure ? HealthCheckResult.Unhealthy(failure) : HealthCheckResult.Healthy());
}
