using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Locks;

internal sealed record RegisterLockRequest(string DeviceId, string Name, bool Unsigned = false);

/// <param name="Status">What the bolt does, as the device last reported it.</param>
/// <param name="State">Whether the device is heard.</param>
/// <param name="LastSeen">When the device was last heard; null before the first time.</param>
/// <param name="Issue">What is wrong, in a few words, or null.</param>
/// <param name="Rssi">Signal strength in dBm.</param>
/// <param name="BatteryMv">Millivolts; null for a device on mains.</param>
/// <param name="Access">What you may do with it: owner; or operator or viewer while it is shared with you.</param>
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
    DateTimeOffset CreatedAt,
    LockAccess Access)
{
    public static LockAnswer Of(VisibleLock visible) => Of(visible.Lock, visible.Access);

    public static LockAnswer Of(Lock item, LockAccess access) => new(
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
        item.CreatedAt,
        access);
}

internal sealed record LockStatusAnswer(
    string DeviceId,
    LockStatus Status,
    LockState State,
    DateTimeOffset? LastSeen,
    string? Issue,
    LockAccess Access)
{
    public static LockStatusAnswer Of(VisibleLock visible)
    {
        var item = visible.Lock;
        return new LockStatusAnswer(item.DeviceId, item.Status, item.State, item.LastSeen, item.Issue, visible.Access);
    }
}

/// <param name="Until">Null while it lasts.</param>
/// <param name="Issue">Why the device was not heard.</param>
internal sealed record HeartbeatGapAnswer(DateTimeOffset From, DateTimeOffset? Until, long Seconds, string Issue);

/// <param name="UptimeS">Seconds since the device booted, as it last said.</param>
/// <param name="GapsSince">Since when gaps are looked for: 24 hours ago.</param>
/// <param name="Gaps">When the device was not heard, newest first, at most 50.</param>
/// <param name="GapCount">Of all gaps, also of those not listed.</param>
/// <param name="GapSeconds">Of all gaps together.</param>
internal sealed record DiagnosticsAnswer(
    string DeviceId,
    LockState State,
    string? Issue,
    DateTimeOffset? LastSeen,
    int? Rssi,
    int? BatteryMv,
    string? Firmware,
    long? UptimeS,
    DateTimeOffset GapsSince,
    IReadOnlyList<HeartbeatGapAnswer> Gaps,
    int GapCount,
    long GapSeconds,
    LockAccess Access)
{
    public static DiagnosticsAnswer Of(VisibleLock visible, DateTimeOffset since, GapSummary gaps)
    {
        var item = visible.Lock;
        return new DiagnosticsAnswer(
            item.DeviceId,
            item.State,
            item.Issue,
            item.LastSeen,
            item.Rssi,
            item.BatteryMv,
            item.Firmware,
            item.UptimeS,
            since,
            [.. gaps.Gaps.Select(gap => new HeartbeatGapAnswer(gap.From, gap.Until, gap.Seconds, gap.Issue))],
            gaps.Count,
            gaps.TotalSeconds,
            visible.Access);
    }
}

/// <summary>What the device logs in to the broker with.</summary>
internal sealed record MqttLogin(string Username, string Password)
{
    public static MqttLogin Of(string deviceId, byte[] key) => new(deviceId, Signatures.MqttPassword(key, deviceId));

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
    string? Firmware,
    int? Rssi,
    int? BatteryMv,
    bool Unsigned,
    DateTimeOffset CreatedAt,
    LockAccess Access,
    string Key,
    MqttLogin Mqtt)
{
    public static RegisteredLockAnswer Of(Lock item, byte[] key) => new(
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
        item.CreatedAt,
        LockAccess.Owner,
        Convert.ToHexStringLower(key),
        MqttLogin.Of(item.DeviceId, key));

    public override string ToString() => $"Registered lock {DeviceId}";
}

internal sealed record LockPage(IReadOnlyList<LockAnswer> Items, string? Next)
{
    public static LockPage Of(Page<VisibleLock> page) => new([.. page.Items.Select(LockAnswer.Of)], page.Next);
}
