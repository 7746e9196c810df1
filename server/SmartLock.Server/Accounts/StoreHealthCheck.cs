using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SmartLock.Server.Accounts;

/// <summary>The store answers a question that every store can answer.</summary>
internal sealed class StoreHealthCheck(IUserStore users) : IHealthCheck
{
    public const string Name = "store";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        await users.AnyAdminAsync(cancellationToken);
        return HealthCheckResult.Healthy();
    }
}
