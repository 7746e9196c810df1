using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Commands;

/// <summary>From a request that may be made to a command on its way: recorded first, then published.</summary>
internal sealed partial class CommandDispatch(
    ICommandStore store,
    DeviceMutex mutex,
    RefusalRecords refusals,
    DeviceKeys keys,
    IDeviceLink link,
    Events<CommandsChanged> changed,
    CommandTelemetry telemetry,
    IOptions<DeviceOptions> options,
    TimeProvider time,
    ILogger<CommandDispatch> log)
{
    /// <summary>How a command ends that never left this server.</summary>
    private const string Unreachable = "unreachable";

    /// <param name="network">Where the actor asks from, as <see cref="ClientAddress"/> has it.</param>
    /// <exception cref="StoreUnavailableException">Nothing was recorded and nothing was sent.</exception>
    public async Task<DispatchResult> SendAsync(
        string commandId, string deviceId, CommandAction action, string actor, string network, string? idempotencyKey, CancellationToken ct)
    {
        using var turn = await mutex.EnterAsync(deviceId, ct);
        var now = time.GetUtcNow();
        var request = new IssueRequest(commandId, deviceId, action, actor, idempotencyKey, now, options.Value.CommandValidity)
        {
            RecordsRefusal = refusals.MayRecord(deviceId, actor, network),
        };
        var result = await telemetry.IssueAsync(request, () => store.IssueAsync(request, ct));
        if (request.RecordsRefusal && IssueRules.IsStranger(result.Outcome))
        {
            refusals.Count(deviceId, actor, network);
        }

        // From here on the command is on the record: a caller who hangs up does not call it back.
        return result is { Outcome: IssueOutcome.Issued, Command: { } command, Route: { } route }
            ? await SendAsync(command, route)
            : new DispatchResult(result.Outcome, result.Command, PublishResult.Delivered);
    }

    private async Task<DispatchResult> SendAsync(Command command, DeviceRoute route)
    {
        // Before it leaves, or the device's verdict might be told first.
        changed.Publish(new CommandsChanged([command]));
        var published = await telemetry.PublishAsync(command, () => PublishAsync(command, route));
        var ended = published is PublishResult.NotSent ? await EndUnsentAsync(command) : command;
        return new DispatchResult(IssueOutcome.Issued, ended, published);
    }

    private async Task<Command> EndUnsentAsync(Command command)
    {
        try
        {
            var failed = await store.FailAsync(command.Id, Unreachable, time.GetUtcNow(), CancellationToken.None);
            changed.Publish(new CommandsChanged(failed is null ? [] : [failed]));
            return failed ?? command;
        }
        catch (StoreUnavailableException e)
        {
            // It stays Sent and will be ended as Expired.
            LogNotEnded(command.Id, e.Message);
            return command;
        }
    }

    private async Task<PublishResult> PublishAsync(Command command, DeviceRoute route)
    {
        if (PayloadOf(command, route) is not { } payload)
        {
            return PublishResult.NotSent;
        }

        var topic = route.OwnTopics ? Topics.CommandsOf(command.DeviceId) : Topics.Commands;
        return await link.SendAsync(command.DeviceId, topic, payload, CancellationToken.None);
    }

    /// <summary>Null when there is no key to sign it with.</summary>
    private byte[]? PayloadOf(Command command, DeviceRoute route)
    {
        if (route.Unsigned && options.Value.AllowUnsigned)
        {
            return CommandMessage.WriteUnsigned(command, route.Boot);
        }

        try
        {
            return CommandMessage.WriteSigned(command, route.Boot, keys.Unprotect(command.DeviceId, route.ProtectedKey));
        }
        catch (CryptographicException e)
        {
            LogUnreadableKey(command.DeviceId, e);
            return null;
        }
    }

    [LoggerMessage(2, LogLevel.Warning, "Command {CommandId} was not sent, which could not be put on record: {Reason}")]
    private partial void LogNotEnded(string commandId, string reason);

    [LoggerMessage(1, LogLevel.Error, "The stored key of device {DeviceId} cannot be read, so no command can be signed for it")]
    private partial void LogUnreadableKey(string deviceId, Exception e);
}

/// <param name="Published">What became of an issued command; Delivered for one that was issued before.</param>
internal sealed record DispatchResult(IssueOutcome Outcome, Command? Command, PublishResult Published);
