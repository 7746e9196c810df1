using Quartz;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

/// <summary>Deletes deliveries that nobody will ask for any more.</summary>
[DisallowConcurrentExecution]
internal sealed partial class DeliveryCleanup(IDeliveryStore store, TimeProvider time, ILogger<DeliveryCleanup> log) : IJob
{
    public static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan KeepDelivered = TimeSpan.FromDays(7);
    private static readonly TimeSpan KeepOthers = TimeSpan.FromDays(30);

    // Small batches: other writers get their turn between two of them.
    private const int BatchSize = 500;

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

    /// <returns>How many were deleted.</returns>
    /// <exception cref="StoreUnavailableException">The next run goes on.</exception>
    public async Task<int> RunAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var all = 0;
        int deleted;
        do
        {
            deleted = await store.DeleteEndedAsync(now - KeepDelivered, now - KeepOthers, BatchSize, ct);
            all += deleted;
        }
        while (deleted == BatchSize);

        return all;
    }

    [LoggerMessage(1, LogLevel.Warning, "Old deliveries of webhooks were not deleted: {Reason}")]
    private partial void LogSkipped(string reason);
}
