using Quartz;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Telemetry;

namespace SmartLock.Server.Heartbeats;

internal static class HeartbeatsFeature
{
    public static IServiceCollection AddHeartbeats(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddValidatedOptions<DeviceOptions>(DeviceOptions.Section, DeviceOptions.Check);
        services.AddSingleton<DeviceRegistry>();
        services.AddSingleton<HeardDevices>();
        services.AddGauge<HeardDevices>(
            TelemetryNames.DevicesAvailable, "{device}", "Devices that this process heard within Devices:OfflineAfter.", heard => heard.Count());
        AddHosted<HeartbeatWriter>(services);
        AddHosted<StatusIngest>(services);
        services.AddSingleton<OfflineSweep>();
        services.AddQuartz(quartz => quartz.ScheduleJob<OfflineSweep>(trigger => trigger
            .WithIdentity("offline-sweep")
            .WithSimpleSchedule(schedule => schedule.WithInterval(DeviceOptions.SweepEveryOf(configuration)).RepeatForever())));
        services.AddQuartzHostedService(quartz => quartz.WaitForJobsToComplete = true);
        return services;
    }

    private static void AddHosted<T>(IServiceCollection services)
        where T : BackgroundService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
