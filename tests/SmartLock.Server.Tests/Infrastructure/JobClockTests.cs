using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;
using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class JobClockTests
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(-365 * 24)]
    [InlineData(-2)]
    [InlineData(2)]
    [InlineData(365 * 24)]
    public async Task Jobs_keep_their_interval_when_the_clock_is_set(int hours)
    {
        var clock = new FakeClock();
        var runs = new Runs();
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Services.AddSingleton(runs);
        builder.Services.AddQuartz(quartz => quartz.ScheduleJob<CountingJob>(trigger => trigger
            .WithIdentity("counting")
            .WithSimpleSchedule(schedule => schedule.WithInterval(Every).RepeatForever())));
        builder.Services.AddQuartzHostedService(quartz => quartz.WaitForJobsToComplete = true);
        builder.Services.AddHostedService<JobClock>();
        using var host = builder.Build();
        await host.StartAsync();
        await RunsAsync(clock, runs, 2);

        clock.Set(TimeSpan.FromHours(hours));

        var before = runs.Count;
        await RunsAsync(clock, runs, before + 5);
        await host.StopAsync();
    }

    /// <summary>Within the time that so many runs take, and some more for the look at the clock.</summary>
    private static async Task RunsAsync(FakeClock clock, Runs runs, int count)
    {
        var until = clock.GetTimestamp() + ((count + 2) * Every).Ticks;
        await Eventually.TrueAsync(
            () =>
            {
                if (runs.Count < count && clock.GetTimestamp() < until)
                {
                    clock.Advance(TimeSpan.FromMilliseconds(200));
                }

                return runs.Count >= count;
            },
            $"{count} runs");
    }

    private sealed class Runs
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Add() => Interlocked.Increment(ref _count);
    }

    private sealed class CountingJob(Runs runs) : IJob
    {
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken)
        {
            runs.Add();
            return ValueTask.CompletedTask;
        }
    }
}
