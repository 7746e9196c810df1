using Microsoft.Extensions.Diagnostics.HealthChecks;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Healthy when a read works and the last write did not fail. After a failed write it writes once itself, so that health returns without traffic.</summary>
internal sealed class SqliteHealthCheck(SqliteDatabase database) : IHealthCheck
{
    private const string Read = "SELECT count(*) FROM (SELECT 1 FROM users LIMIT 1)";
    private const string Probe = "INSERT INTO probes (id, count) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await database.ReadAsync(static session => session.Scalar<long>(Read), cancellationToken);
            if (database.WriteFailure is not null)
            {
                await database.WriteAsync(Durability.Full, static session => session.Execute(Probe), cancellationToken);
            }

            return HealthCheckResult.Healthy();
        }
        catch (StoreUnavailableException failure)
        {
            return HealthCheckResult.Unhealthy(failure.Message);
        }
    }
}
