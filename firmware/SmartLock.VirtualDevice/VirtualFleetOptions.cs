using SmartLock.Device;

namespace SmartLock.VirtualDevice;

public sealed record VirtualFleetOptions
{
    /// <summary>How each lock is set up; its device id and key are replaced by the member's own.</summary>
    public required VirtualLockOptions Template { get; init; }

    public required IReadOnlyList<(string DeviceId, DeviceKey Key)> Members { get; init; }

    /// <summary>How many may be connecting at a time.</summary>
    public int MaxConnecting { get; init; } = 64;
}
