using System.Diagnostics.CodeAnalysis;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Locks;

public sealed record RegisterLockRequest(
    [property: DeviceId] string DeviceId, [property: PlainText(LockRules.MaxNameLength)] string Name, bool Unsigned = false);

/// <summary>A lock as the API shows it; this alone to those who administer the server.</summary>
internal record LockResponse
{
    public required string DeviceId { get; init; }

    public required string Name { get; init; }

    public required string Owner { get; init; }

    /// <summary>The position of the bolt, as the device last reported it.</summary>
    public required LockStatus Status { get; init; }

    /// <summary>Whether the device is online.</summary>
    public required LockState State { get; init; }

    /// <summary>When the device last reported; null before the first report.</summary>
    public required DateTimeOffset? LastSeen { get; init; }

    /// <summary>What is wrong, in a few words, or null.</summary>
    public required string? Issue { get; init; }

    public required string? Firmware { get; init; }

    /// <summary>Signal strength in dBm.</summary>
    public required int? Rssi { get; init; }

    /// <summary>Millivolts; null for a device on mains.</summary>
    public required int? BatteryMv { get; init; }

    public required bool Unsigned { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public static LockResponse Of(Lock item) => new()
    {
        DeviceId = item.DeviceId,
        Name = item.Name,
        Owner = item.Owner,
        Status = item.Status,
        State = item.State,
        LastSeen = item.LastSeen,
        Issue = item.Issue,
        Firmware = item.Firmware,
        Rssi = item.Rssi,
        BatteryMv = item.BatteryMv,
        Unsigned = item.Unsigned,
        CreatedAt = item.CreatedAt,
    };
}

/// <summary>A lock that you may see.</summary>
internal record VisibleLockResponse : LockResponse
{
    [SetsRequiredMembers]
    protected VisibleLockResponse(Lock item, LockAccess access)
        : base(LockResponse.Of(item)) => Access = access;

    /// <summary>What you may do with it: owner; or operator or viewer while it is shared with you.</summary>
    public required LockAccess Access { get; init; }

    public static VisibleLockResponse Of(VisibleLock visible) => Of(visible.Lock, visible.Access);

    public static VisibleLockResponse Of(Lock item, LockAccess access) => new(item, access);
}

internal sealed record LockStatusResponse(
    string DeviceId,
    LockStatus Status,
    LockState State,
    DateTimeOffset? LastSeen,
    string? Issue,
    LockAccess Access)
{
    public static LockStatusResponse Of(VisibleLock visible)
    {
        var item = visible.Lock;
        return new LockStatusResponse(item.DeviceId, item.Status, item.State, item.LastSeen, item.Issue, visible.Access);
    }
}

/// <param name="Until">Null while it lasts.</param>
/// <param name="Issue">Why the device was offline.</param>
internal sealed record HeartbeatGapResponse(DateTimeOffset From, DateTimeOffset? Until, long Seconds, string Issue);

/// <param name="UptimeS">Seconds since the device booted, as it last said.</param>
/// <param name="GapsSince">Since when gaps are looked for: 24 hours ago.</param>
/// <param name="Gaps">When the device was offline, newest first, at most 50.</param>
/// <param name="GapCount">Of all gaps, also of those not listed.</param>
/// <param name="GapSeconds">Of all gaps together.</param>
internal sealed record DiagnosticsResponse(
    string DeviceId,
    LockState State,
    string? Issue,
    DateTimeOffset? LastSeen,
    int? Rssi,
    int? BatteryMv,
    string? Firmware,
    long? UptimeS,
    DateTimeOffset GapsSince,
    IReadOnlyList<HeartbeatGapResponse> Gaps,
    int GapCount,
    long GapSeconds,
    LockAccess Access)
{
    public static DiagnosticsResponse Of(VisibleLock visible, DateTimeOffset since, GapSummary gaps)
    {
        var item = visible.Lock;
        return new DiagnosticsResponse(
            item.DeviceId,
            item.State,
            item.Issue,
            item.LastSeen,
            item.Rssi,
            item.BatteryMv,
            item.Firmware,
            item.UptimeS,
            since,
            [.. gaps.Gaps.Select(gap => new HeartbeatGapResponse(gap.From, gap.Until, gap.Seconds, gap.Issue))],
            gaps.Count,
            gaps.TotalSeconds,
            visible.Access);
    }
}

/// <summary>What the device logs in to the broker with.</summary>
internal sealed record MqttLoginResponse(string Username, string Password)
{
    public static MqttLoginResponse Of(string deviceId, byte[] key) => new(deviceId, Signatures.MqttPassword(key, deviceId));

    public override string ToString() => $"MQTT login of {Username}";
}

/// <summary>A lock with the key of its device.</summary>
internal sealed record RegisteredLockResponse : VisibleLockResponse
{
    [SetsRequiredMembers]
    private RegisteredLockResponse(Lock item, byte[] key)
        : base(item, LockAccess.Owner)
    {
        Key = Convert.ToHexStringLower(key);
        Mqtt = MqttLoginResponse.Of(item.DeviceId, key);
    }

    /// <summary>The device's key, 64 hex digits. It is shown here and never again.</summary>
    public required string Key { get; init; }

    public required MqttLoginResponse Mqtt { get; init; }

    public static RegisteredLockResponse Of(Lock item, byte[] key) => new(item, key);

    public override string ToString() => $"Registered lock {DeviceId}";
}

internal sealed record LockPageResponse(IReadOnlyList<VisibleLockResponse> Items, string? Next)
{
    public static LockPageResponse Of(Page<VisibleLock> page) => new([.. page.Items.Select(VisibleLockResponse.Of)], page.Next);
}
