using System.Text.Json.Serialization;

namespace SmartLock.Server.Locks;

/// <summary>The position of the bolt, as the device last reported it.</summary>
internal enum LockStatus
{
    [JsonStringEnumMemberName("Unknown")]
    Unknown,

    [JsonStringEnumMemberName("Locked")]
    Locked,

    [JsonStringEnumMemberName("Unlocked")]
    Unlocked,
}

/// <summary>Whether the device is online.</summary>
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

/// <summary>A door's lock. Its members are listed here and, for the API, in <see cref="LockResponse"/>.</summary>
internal record Lock
{
    public required string DeviceId { get; init; }

    public required string Name { get; init; }

    /// <summary>User name of the account that it is assigned to.</summary>
    public required string Owner { get; init; }

    public LockStatus Status { get; init; }

    public LockState State { get; init; }

    /// <summary>Server's time (UTC) of the last believed status; null before the first.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>The diagnosis in a few words, or null.</summary>
    public string? Issue { get; init; }

    /// <summary>Registered for a device that cannot sign; see <c>Devices:AllowUnsigned</c>.</summary>
    public bool Unsigned { get; init; }

    public string? Firmware { get; init; }

    /// <summary>Signal strength in dBm.</summary>
    public int? Rssi { get; init; }

    /// <summary>Null for a device on mains.</summary>
    public int? BatteryMv { get; init; }

    /// <summary>UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Seconds since the device booted, as it last said.</summary>
    public long? UptimeS { get; init; }

    /// <summary>A copy without what a derived record adds: a store may read a lock together with members that are its own.</summary>
    public Lock ToLock() => new(this);
}

/// <summary>What an owner may edit; null leaves a member as it is.</summary>
internal sealed record LockEdit(string? Name = null);

/// <param name="Access">Of the account that asked, at the moment of asking.</param>
internal sealed record VisibleLock(Lock Lock, LockAccess Access);

/// <summary>The issues that the server itself finds; devices report others.</summary>
internal static class LockIssues
{
    public const string NoHeartbeat = "No heartbeat";
    public const string ConnectionLost = "Connection lost";

    /// <summary>The device names an issue in what is no text of 1 to 64 printable ASCII characters.</summary>
    public const string Unreadable = "Unreadable issue";

    public static ReadOnlySpan<byte> UnreadableUtf8 => "Unreadable issue"u8;
}
