using System.Text.Json.Serialization;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Legacy;

internal sealed record LegacyError(string Error);

internal sealed record LegacyMessage(string Message);

/// <summary>Members that are not known are passed over, here and below: the first system did, and its app's forms send some.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
internal sealed record LegacyRegistration(string Email, string Username, string Password)
{
    public override string ToString() => $"Register {Username}";
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
internal sealed record LegacyCredentials(string Username, string Password)
{
    public override string ToString() => $"Credentials of {Username}";
}

internal sealed record LegacyToken(string Token)
{
    public override string ToString() => "Token";
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
internal sealed record LegacyNewLock(string DeviceId, string Name);

/// <param name="MqttUsername">What the sketch logs in to the broker with; shown this once, like the password.</param>
internal sealed record LegacyRegisteredLock(string Message, string MqttUsername, string MqttPassword)
{
    public override string ToString() => $"Registered lock {MqttUsername}";
}

internal sealed record LegacyLock(
    [property: JsonPropertyName("_id")] string Id,
    string Name,
    string Owner,
    LockStatus Status,
    LockState State,
    DateTimeOffset? LastSeen,
    string? Issue)
{
    public static LegacyLock Of(Lock found) =>
        new(found.DeviceId, found.Name, found.Owner, found.Status, found.State, found.LastSeen, found.Issue);
}

/// <param name="ConnectionStatus">Whether the device is online.</param>
/// <param name="DeviceStatus">The bolt. The sketch said it in one or the other of these two; here both say it.</param>
/// <param name="DeviceState">The bolt too.</param>
internal sealed record LegacyLockStatus(string DeviceId, LockState ConnectionStatus, LockStatus DeviceStatus, LockStatus DeviceState, string? Issue)
{
    public static LegacyLockStatus Of(Lock found) => new(found.DeviceId, found.State, found.Status, found.Status, found.Issue);
}

internal sealed record LegacyCommandResponse(string Status);
