using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Commands;

/// <summary>
/// Verdicts that another replica received. It says so at once; but that message may be lost, so for commands that somebody waits for here the store is
/// read once a second as well, one read for all.
/// </summary>
internal sealed partial class VerdictPolling(ICommandStore store, VerdictWaiters waiters, TimeProvider time, ILogger<VerdictPolling> log)
    : RepeatedService(new FailureLog(log, time, LogDelayed, LogFailed), time)
{
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private const int MostAtOnce = 1_000;

    /// <summary>Reads commands that another replica changed, for those here who wait for their verdicts.</summary>
    /// <param name="all">Also those that nobody here waits for.</param>
    /// <returns>As they are in the store now.</returns>
    /// <exception cref="StoreUnavailableException"/>
    public async Task<IReadOnlyList<Command>> ReadAsync(IEnumerable<string> commandIds, bool all, CancellationToken ct)
    {
        var commands = new List<Command>();
        foreach (var ids in commandIds.Where(id => all || waiters.IsWaitingFor(id)).Chunk(MostAtOnce))
        {
            var found = await store.FindManyAsync(ids, ct);
            Complete(found);
            commands.AddRange(found);
        }

        return commands;
    }

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        await Task.Delay(Every, Time, ct);
        foreach (var ids in waiters.Waiting().Chunk(MostAtOnce))
        {
            Complete(await store.FindManyAsync(ids, ct));
        }
    }

    private void Complete(IEnumerable<Command> found)
    {
        foreach (var command in found.Where(c => c.State is not CommandState.Sent))
        {
            waiters.Complete(command);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The store could not be asked for verdicts: {Reason}")]
    private static partial void LogDelayed(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "The store could not be asked for verdicts")]
    private static partial void LogFailed(ILogger log, Exception e);
}
