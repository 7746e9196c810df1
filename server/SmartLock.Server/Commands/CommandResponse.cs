using SmartLock.Server.Locks;

namespace SmartLock.Server.Commands;

/// <param name="DeviceId">The lock to move.</param>
public sealed record CommandRequest([property: DeviceId] string DeviceId);

/// <summary>A command as the API shows it, with the device protocol's names.</summary>
/// <param name="Result">The device's verdict; null while it has not decided.</param>
/// <param name="EarlierResult">What the command had ended with, when the device's verdict then contradicted that; else null.</param>
internal sealed record CommandResponse(
    string CommandId,
    string DeviceId,
    CommandAction Command,
    CommandState State,
    string? Result,
    string? EarlierResult,
    string RequestedBy,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? DecidedAt)
{
    public static CommandResponse Of(Command command) => new(
        command.Id,
        command.DeviceId,
        command.Action,
        command.State,
        command.Result,
        command.EarlierResult,
        command.RequestedBy,
        command.IssuedAt,
        command.ExpiresAt,
        command.DecidedAt);
}
