using Microsoft.Extensions.Options;
using Quartz;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Commands;

/// <summary>Ends the commands that no device will carry out any more.</summary>
[DisallowConcurrentExecution]
internal sealed partial class CommandExpiry(
    ICommandStore store,
    StorePendingVerdicts storeVerdicts,
    Events<CommandsChanged> changed,
    CommandTelemetry telemetry,
    IOptions<DeviceOptions> options,
    TimeProvider time,
    ILogger<CommandExpiry> log) : IJob
{
    private const int BatchSize = 1000;

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(cancellationToken);
        }
        catch (StoreUnavailableException e)
        {
            LogSkipped(e.Message);
        }
    }

    /// <exception cref="StoreUnavailableException"/>
    public async Task RunAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();

        // A verdict given in the last moment may still be on its way in the device's next heartbeat.
        var expiredBefore = now - options.Value.OfflineAfter;

        // A verdict that was received but that the store has not taken yet counts as well.
        await storeVerdicts(ct);
        IReadOnlyList<Command> expired;
        do
        {
            expired = await store.ExpireAsync(expiredBefore, now, BatchSize, ct);
            changed.Publish(new CommandsChanged(expired));
            telemetry.Unanswered(expired.Count);
        }
        while (expired.Count == BatchSize);
    }

    [LoggerMessage(1, LogLevel.Warning, "The expiry of commands is delayed: {Reason}")]
    private partial void LogSkipped(string reason);
}
