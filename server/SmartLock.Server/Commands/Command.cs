using System.Text.Json.Serialization;

namespace SmartLock.Server.Commands;

internal enum CommandAction
{
    [JsonStringEnumMemberName("LOCK")]
    Lock,

    [JsonStringEnumMemberName("UNLOCK")]
    Unlock,
}

internal enum CommandState
{
    Sent,
    Done,
    Failed,
    Expired,
}

/// <summary>One LOCK or UNLOCK: who asked, until when it is valid, how it ended.</summary>
/// <param name="Id">A ULID.</param>
/// <param name="IssuedAt">UTC, whole milliseconds; strictly increasing per device, which is what the device's replay check rests on.</param>
/// <param name="Result">The device's own verdict once it reported one: done, jammed, expired, replayed, bad_signature, unknown_command.</param>
/// <param name="EarlierResult">What it had ended with, when the device's verdict then contradicted that: <c>expired</c> before <c>done</c>.</param>
internal sealed record Command(
    string Id,
    string DeviceId,
    CommandAction Action,
    string RequestedBy,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt,
    CommandState State,
    string? Result,
    DateTimeOffset? DecidedAt,
    string? EarlierResult = null);
