using Quartz;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Keeps scheduled jobs at their interval when the machine's clock is set. Quartz holds the time of each trigger's next run by that clock: set back by two
/// hours, no job would run for as long. All triggers then begin anew, with a run at once.
/// </summary>
internal sealed partial class JobClock(ISchedulerFactory schedulers, TimeProvider time, ILogger<JobClock> log)
    : RepeatedService(new FailureLog(log, time, null, LogFailed), time)
{
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private readonly WallClock _clock = new(time);

    /// <summary>A failure to reschedule is made up for at the next step.</summary>
    private bool _mustReschedule;

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        await Task.Delay(LookEvery, Time, ct);
        if (_clock.Look() is var set && set != TimeSpan.Zero)
        {
            LogSet(set);
            _mustReschedule = true;
        }

        if (_mustReschedule)
        {
            await RescheduleAsync(ct);
            _mustReschedule = false;
        }
    }

    private async Task RescheduleAsync(CancellationToken ct)
    {
        var scheduler = await schedulers.GetScheduler(ct);
        foreach (var key in await scheduler.GetTriggerKeys(GroupMatcher<TriggerKey>.AnyGroup(), ct))
        {
            if (await scheduler.GetTrigger(key, ct) is { } trigger)
            {
                await scheduler.RescheduleJob(key, trigger.GetTriggerBuilder().StartNow().Build(), ct);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The machine's clock was set by {By} (hours:minutes:seconds); the scheduled jobs begin anew")]
    private partial void LogSet(TimeSpan by);

    [LoggerMessage(2, LogLevel.Error, "The scheduled jobs could not be moved to the time that the machine's clock was set to")]
    private static partial void LogFailed(ILogger log, Exception e);
}
