using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Commands;

/// <summary>From a request that may be made to a signed command on its way: recorded first, then published.</summary>
internal sealed partial class CommandDispatch(
    ICommandStore store,
    DeviceKeys keys,
    IDeviceLink link,
    CommandTelemetry telemetry,
    IOptions<DeviceOptions> options,
    TimeProvider time,
    ILogger<CommandDispatch> log)
{
    /// <summary>How a command ends that never left this server.</summary>
    private const string Unreachable = "unreachable";

    // Real time, as for a write's turn in the store: neither stalls by a clock that a test has stopped.
    private static readonly TimeSpan TurnTimeout = TimeSpan.FromSeconds(3);

    // A device refuses a command that was issued before one it already has, so two requests for one device must not overtake
    // each other between the store and the broker. Striped: as many as are worth having, not one per device.
    private readonly SemaphoreSlim[] _order = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    /// <exception cref="StoreUnavailableException">Nothing was recorded and nothing was sent.</exception>
    public async Task<DispatchResult> SendAsync(string commandId, string deviceId, CommandAction action, string actor, string? idempotencyKey, CancellationToken ct)
    {
        var order = _order[(uint)deviceId.GetHashCode(StringComparison.Ordinal) % _order.Length];
        if (!await order.WaitAsync(TurnTimeout, ct))
        {
            // Each before this one waits for a stalled store or broker in its turn; without a limit the last would for minutes.
            throw new StoreUnavailableException("Too many commands for this lock wait before this one.");
        }

        try
        {
            var now = time.GetUtcNow();
            var request = new IssueRequest(commandId, deviceId, action, actor, idempotencyKey, now, options.Value.CommandValidity);
            var result = await telemetry.IssueAsync(request, () => store.IssueAsync(request, ct));

            // From here on the command is on the record: a caller who hangs up does not call it back.
            return result is { Outcome: IssueOutcome.Issued, Command: { } command, Route: { } route }
                ? await SendAsync(command, route)
                : new DispatchResult(result.Outcome, result.Command, HandOver.Delivered);
        }
        finally
        {
            order.Release();
        }
    }

    private async Task<DispatchResult> SendAsync(Command command, DeviceRoute route)
    {
        var handOver = await telemetry.PublishAsync(command, () => PublishAsync(command, route));
        var ended = handOver is HandOver.NotSent ? await EndUnsentAsync(command) : command;
        return new DispatchResult(IssueOutcome.Issued, ended, handOver);
    }

    private async Task<Command> EndUnsentAsync(Command command)
    {
        try
        {
            return await store.FailAsync(command.Id, Unreachable, time.GetUtcNow(), CancellationToken.None) ?? command;
        }
        catch (StoreUnavailableException e)
        {
            // It stays Sent and will be ended as Expired.
            LogNotEnded(command.Id, e.Message);
            return command;
        }
    }

    private async Task<HandOver> PublishAsync(Command command, DeviceRoute route)
    {
        byte[] key;
        try
        {
            key = keys.Unprotect(command.DeviceId, route.ProtectedKey);
        }
        catch (CryptographicException e)
        {
            LogUnreadableKey(command.DeviceId, e);
            return HandOver.NotSent;
        }

        var topic = route.OwnTopics ? Topics.CommandsOf(command.DeviceId) : Topics.Commands;
        var payload = CommandMessage.Write(command, key, route.Unsigned);
        return await link.SendAsync(command.DeviceId, topic, payload, CancellationToken.None);
    }

    [LoggerMessage(2, LogLevel.Warning, "Command {CommandId} was not sent, which could not be put on record: {Reason}")]
    private partial void LogNotEnded(string commandId, string reason);

    [LoggerMessage(1, LogLevel.Error, "The stored key of device {DeviceId} cannot be read, so no command can be signed for it")]
    private partial void LogUnreadableKey(string deviceId, Exception e);
}

/// <param name="HandOver">What became of an issued command; Delivered for one that was issued before.</param>
internal sealed record DispatchResult(IssueOutcome Outcome, Command? Command, HandOver HandOver);
