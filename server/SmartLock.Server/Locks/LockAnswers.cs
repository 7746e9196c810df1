using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

internal sealed record RegisterLockRequest(string DeviceId, string Name, bool Unsigned = false);

/// <param name="Status">What the bolt does, as the device last reported it.</param>
/// <param name="State">Whether the device is heard.</param>
/// <param name="LastSeen">When the device was last heard; null before the first time.</param>
/// <param name="Issue">What is wrong, in a few words, or null.</param>
/// <param name="Rssi">Signal strength in dBm.</param>
/// <param name="BatteryMv">Millivolts; null for a device on mains.</param>
internal sealed record LockAnswer(
    string DeviceId,
    string Name,
    string Owner,
    LockStatus Status,
    LockState State,
    DateTimeOffset? LastSeen,
    string? Issue,
    string? Firmware,
    int? Rssi,
    int? BatteryMv,
    bool Unsigned,
    DateTimeOffset CreatedAt)
{
    public static LockAnswer Of(Lock item) => new(
        item.DeviceId,
        item.Name,
        item.Owner,
        item.Status,
        item.State,
        item.LastSeen,
        item.Issue,
        item.Firmware,
        item.Rssi,
        item.BatteryMv,
        item.Unsigned,
        item.CreatedAt);
}

internal sealed record LockStatusAnswer(string DeviceId, LockStatus Status, LockState State, DateTimeOffset? LastSeen, string? Issue)
{
    public static LockStatusAnswer Of(Lock item) => new(item.DeviceId, item.Status, item.State, item.LastSeen, item.Issue);
}

/// <summary>What the device logs in to the broker with.</summary>
internal sealed record MqttLogin(string Username, string Password)
{
    public override string ToString() => $"MQTT login of {Username}";
}

/// <param name="Key">The device's key, 64 hex digits. It is shown here and never again.</param>
internal sealed record RegisteredLockAnswer(
    string DeviceId,
    string Name,
    string Owner,
    LockStatus Status,
    LockState State,
    DateTimeOffset? LastSeen,
    string? Issue,
    bool Unsigned,
    DateTimeOffset CreatedAt,
    string Key,
    MqttLogin Mqtt)
{
    public override string ToString() => $"Registered lock {DeviceId}";
}

internal sealed record LockPage(IReadOnlyList<LockAnswer> Items, string? Next)
{
    public static LockPage Of(Page<Lock> page) => new([.. page.Items.Select(LockAnswer.Of)], page.Next);
}
