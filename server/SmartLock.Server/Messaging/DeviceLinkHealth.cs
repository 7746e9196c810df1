using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SmartLock.Server.Messaging;

internal sealed class DeviceLinkHealth(IDeviceLink link) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(link.ListeningSince is null ? HealthCheckResult.Unhealthy("No way to the devices.") : HealthCheckResult.Healthy());
}
