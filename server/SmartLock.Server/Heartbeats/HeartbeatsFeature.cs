using Quartz;

namespace SmartLock.Server.Heartbeats;

internal static class HeartbeatsFeature
{
    public static IServiceCollection AddHeartbeats(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<DeviceOptions>()
            .Bind(configuration.GetSection(DeviceOptions.Section))
            .Validate(o => o.OfflineAfter >= TimeSpan.FromSeconds(1), "Devices:OfflineAfter must be at least 00:00:01.")
            .Validate(o => o.SweepEvery >= TimeSpan.FromSeconds(1), "Devices:SweepEvery must be at least 00:00:01.")
            .Validate(
                o => o.CommandValidity >= TimeSpan.FromSeconds(1) && o.CommandValidity <= TimeSpan.FromMinutes(1),
                "Devices:CommandValidity must be between 00:00:01 and 00:01:00.")
            .ValidateOnStart();
        services.AddSingleton<DeviceRegistry>();
        AddHosted<HeartbeatWriter>(services);
        AddHosted<StatusIngest>(services);
        services.AddSingleton<OfflineSweep>();
        services.AddQuartz(quartz => quartz.ScheduleJob<OfflineSweep>(trigger => trigger
            .WithIdentity("offline-sweep")
            .WithSimpleSchedule(schedule => schedule
                .WithInterval(configuration.GetSection(DeviceOptions.Section).Get<DeviceOptions>()?.SweepEvery ?? new DeviceOptions().SweepEvery)
                .RepeatForever())));
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
