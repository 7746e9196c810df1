using SmartLock.Device;

namespace SmartLock.VirtualDevice;

public sealed record VirtualLockOptions
{
    /// <summary>1 to 64 characters of visible ASCII, none of / + # | " \.</summary>
    public required string DeviceId { get; init; }

    public required DeviceKey Key { get; init; }

    public string Host { get; init; } = "localhost";

    public int Port { get; init; } = 1883;

    public bool Tls { get; init; }

    /// <summary>A PEM file of the only roots to trust; null for the system's.</summary>
    public string? CertificateAuthorityFile { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public BoltStatus InitialStatus { get; init; } = BoltStatus.Locked;

    /// <summary>Where the flash is kept as files; null keeps it in memory, for the life of the object.</summary>
    public string? StateFolder { get; init; }

    public bool LeaveWill { get; init; } = true;

    /// <summary>False: only smartlock/commands and smartlock/status, as a device that never said "topics":"own".</summary>
    public bool OwnTopics { get; init; } = true;

    public string Firmware { get; init; } = "1.0.0-virtual";

    /// <summary>0 on mains.</summary>
    public int BatteryMillivolts { get; init; }

    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// First wait after a lost connection; doubles up to <see cref="LongestReconnectWait"/>, each time cut by up to half at random.
    /// </summary>
    public TimeSpan ShortestReconnectWait { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestReconnectWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The key stays out of logs.</summary>
    public override string ToString() => $"{DeviceId} at {Host}:{Port}";
}
