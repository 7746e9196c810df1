using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Quartz;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Replicas;

/// <summary>
/// Lets every scheduled job run on one replica only, and has the next one take over within ten seconds. Two leases: a replica that has lost its broker
/// may still clear away old sessions, but not mark devices offline that report to others.
/// </summary>
internal sealed partial class JobLeases : RepeatedService, ITriggerListener
{
    private readonly ISchedulerFactory _schedulers;
    private readonly IDeviceLink _link;
    private readonly DeviceOptions _devices;
    private readonly TimeProvider _time;
    private readonly Lease _any;
    private readonly Lease _judging;

    /// <summary>Jobs whose time came while another replica was to run them; whoever takes over runs them at once.</summary>
    private readonly ConcurrentDictionary<JobKey, Lease> _putOff = new();

    public JobLeases(
        ILeaseStore store,
        ReplicaId self,
        ISchedulerFactory schedulers,
        IDeviceLink link,
        IOptions<DeviceOptions> devices,
        TimeProvider time,
        ILogger<JobLeases> log)
        : base(new FailureLog(log, time, LogDelayed, LogFailed), time)
    {
        (_schedulers, _link, _devices, _time) = (schedulers, link, devices.Value, time);
        _any = new Lease("jobs", store, self, time, log);
        _judging = new Lease("device-jobs", store, self, time, log);
    }

    public string Name => nameof(JobLeases);

    public ValueTask<bool> VetoJobExecution(ITrigger trigger, IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        var lease = context.JobDetail.JobType.Type.IsDefined(typeof(NeedsDeviceReportsAttribute), inherit: false) ? _judging : _any;

        // Before it is asked: a lease that is taken in between makes up for it.
        _putOff[context.JobDetail.Key] = lease;
        if (lease.IsHeld)
        {
            _putOff.TryRemove(context.JobDetail.Key, out _);
            return ValueTask.FromResult(false);
        }

        return ValueTask.FromResult(true);
    }

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        await TurnAsync(ct);
        await Task.Delay(Lease.RenewEvery, _time, ct);
    }

    /// <summary>After the jobs have ended: they are stopped before, in the reverse order of their registration.</summary>
    protected override async Task FinishAsync(CancellationToken ct)
    {
        await _judging.ReleaseAsync(ct);
        await _any.ReleaseAsync(ct);
    }

    private async Task TurnAsync(CancellationToken ct)
    {
        await RenewAsync(_any, ct);
        if (MayJudge())
        {
            await RenewAsync(_judging, ct);
            return;
        }

        await _judging.ReleaseAsync(ct);
    }

    private bool MayJudge() => _link.ListeningFor >= _devices.OfflineAfter;

    private async Task RenewAsync(Lease lease, CancellationToken ct)
    {
        if (!await lease.RenewAsync(ct))
        {
            return;
        }

        var scheduler = await _schedulers.GetScheduler(ct);
        foreach (var job in _putOff.Where(p => p.Value == lease).Select(p => p.Key))
        {
            if (_putOff.TryRemove(job, out _))
            {
                await scheduler.TriggerJob(job, null, ct);
            }
        }
    }

    [LoggerMessage(2, LogLevel.Warning, "The leases of the scheduled jobs could not be renewed: {Reason}")]
    private static partial void LogDelayed(ILogger log, string reason);

    [LoggerMessage(3, LogLevel.Error, "The leases of the scheduled jobs could not be renewed")]
    private static partial void LogFailed(ILogger log, Exception e);
}
