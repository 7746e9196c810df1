using Quartz;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Heartbeats;

internal static class HeartbeatsFeature
{
    public static IServiceCollection AddHeartbeats(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<IDeviceKeyStore>(provider => provider.GetRequiredService<IDeviceStore>());
        services.AddSingleton<LostReplicas>();
        services.AddSingleton<IStatusReceiver>(provider => provider.GetRequiredService<StatusIngest>());
        services.AddSingleton<StorePendingVerdicts>(provider => provider.GetRequiredService<HeartbeatWriter>().FlushAsync);
        AddHosted<HeartbeatWriter>(services);
        AddHosted<StatusIngest>(services);
        services.AddSingleton<OfflineSweep>();
        services.AddQuartz(quartz => quartz.ScheduleJob<OfflineSweep>(trigger => trigger
            .WithIdentity("offline-sweep")
            .WithSimpleSchedule(schedule => schedule.WithInterval(DeviceOptions.SweepEveryOf(configuration)).RepeatForever())));
        services.AddQuartzHostedService(quartz => quartz.WaitForJobsToComplete = true);
        return services.AddHostedService<JobClock>();
    }

    private static void AddHosted<T>(IServiceCollection services)
        where T : BackgroundService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
