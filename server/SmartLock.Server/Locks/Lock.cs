using System.Text.Json.Serialization;

namespace SmartLock.Server.Locks;

/// <summary>What the bolt does, as the device last reported it.</summary>
internal enum LockStatus
{
    [JsonStringEnumMemberName("Unknown")]
    Unknown,

    [JsonStringEnumMemberName("Locked")]
    Locked,

    [JsonStringEnumMemberName("Unlocked")]
    Unlocked,
}

/// <summary>Whether the device is heard.</summary>
internal enum LockState
{
    [JsonStringEnumMemberName("Unavailable")]
    Unavailable,

    [JsonStringEnumMemberName("Available")]
    Available,
}

/// <summary>What an account may do with a lock.</summary>
internal enum LockAccess
{
    /// <summary>Everything.</summary>
    Owner,

    /// <summary>Reads it and moves it, while it is shared so.</summary>
    Operator,

    /// <summary>Reads it, while it is shared so.</summary>
    Viewer,
}

/// <summary>A door's lock.</summary>
/// <param name="Owner">User name of the account it is assigned to.</param>
/// <param name="LastSeen">Server's time (UTC) of the last believed status; null before the first.</param>
/// <param name="Issue">The diagnosis in a few words, or null.</param>
/// <param name="Unsigned">Registered for a device that cannot sign; see <c>Devices:AllowUnsigned</c>.</param>
/// <param name="UptimeS">Seconds since the device booted, as it last said.</param>
internal sealed record Lock(
    string DeviceId,
    string Name,
    string Owner,
    LockStatus Status,
    LockState State,
    DateTimeOffset? LastSeen,
    string? Issue,
    bool Unsigned,
    string? Firmware,
    int? Rssi,
    int? BatteryMv,
    DateTimeOffset CreatedAt,
    long? UptimeS = null);

/// <param name="Access">Of the account that asked, at the moment of asking.</param>
internal sealed record VisibleLock(Lock Lock, LockAccess Access);

/// <summary>The issues that the server itself finds; devices report others.</summary>
internal static class LockIssues
{
    public const string NoHeartbeat = "No heartbeat";
    public const string ConnectionLost = "Connection lost";
}
