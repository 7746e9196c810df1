namespace SmartLock.Server.Messaging;

/// <summary>What decides whether a status is believed.</summary>
/// <param name="Unsigned">The device cannot sign; its key only serves for its broker login.</param>
/// <param name="SentAt">The device's own time of its last believed status, Unix milliseconds; 0 before the first.</param>
/// <param name="ConnectedAt">The device's own time of its present connection, Unix milliseconds; 0 before the first.</param>
/// <param name="Boot">Of its last believed status; null when that named none.</param>
/// <param name="KeyFrom">Tells the key from every other that a lock of this device id has had, or will have; later ones have greater numbers.</param>
internal sealed record DeviceRecord(string DeviceId, byte[] ProtectedKey, bool Unsigned, long SentAt, long ConnectedAt, long KeyFrom = 0, string? Boot = null)
{
    /// <summary>The lock's.</summary>
    public string Owner { get; init; } = "";
}

/// <summary>The keys of the devices, and what their last statuses said.</summary>
internal interface IDeviceKeyStore
{
    /// <summary>Null when there is no such device.</summary>
    Task<DeviceRecord?> FindAsync(string deviceId, CancellationToken ct);
}
