using Microsoft.Extensions.Options;

namespace SmartLock.Server.Messaging;

/// <summary>How many devices speak to this process: from memory, without a read of the store.</summary>
internal sealed class OnlineDevices(DeviceCache registry, IOptions<DeviceOptions> options, TimeProvider time)
{
    public int Count() => registry.CountReportedSince(time.GetUtcNow() - options.Value.OfflineAfter);
}
