using SmartLock.Server.Infrastructure;
using SmartLock.Server.Live;

namespace SmartLock.Server.Commands;

/// <summary>
/// Verdicts that another replica heard: it says so at once, which may be lost, so that for commands that somebody waits for here the store is asked once
/// a second besides, one read for all.
/// </summary>
internal sealed partial class CommandNews(ICommandStore store, VerdictWaiters waiters, LiveFeed live, TimeProvider time, ILogger<CommandNews> log)
    : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private const int MostAtOnce = 1_000;
    private readonly TroubleLog _trouble = new(log, time, LogNotAsked, LogFailed);

    /// <exception cref="StoreUnavailableException"/>
    public async Task ChangedElsewhereAsync(IReadOnlyCollection<string> commandIds, CancellationToken ct)
    {
        var tells = live.TellsOfChangesElsewhere;
        List<string> wanted = [.. commandIds.Where(id => tells || waiters.IsWaitingFor(id))];
        foreach (var ids in wanted.Chunk(MostAtOnce))
        {
            var found = await store.FindManyAsync(ids, ct);
            Complete(found);
            live.CommandsChangedElsewhere(found);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => LastingLoop.RunAsync(
        async ct =>
        {
            await Task.Delay(Every, time, ct);
            foreach (var ids in waiters.Waiting().Chunk(MostAtOnce))
            {
                Complete(await store.FindManyAsync(ids, ct));
            }
        },
        _trouble.Log,
        time,
        stoppingToken);

    private void Complete(IEnumerable<Command> found)
    {
        foreach (var command in found.Where(c => c.State is not CommandState.Sent))
        {
            waiters.Complete(command);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The store could not be asked for verdicts: {Reason}")]
    private static partial void LogNotAsked(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "The store could not be asked for verdicts")]
    private static partial void LogFailed(ILogger log, Exception e);
}
