using Quartz;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Commands;

internal static class CommandsFeature
{
    public static IServiceCollection AddCommands(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<VerdictWaiters>();
        services.AddSingleton<PendingTraces>();
        services.AddSingleton<CommandTelemetry>();
        services.AddSingleton<CommandDispatch>();
        services.AddSingleton<CommandExpiry>();
        return services.AddQuartz(quartz => quartz.ScheduleJob<CommandExpiry>(trigger => trigger
            .WithIdentity("command-expiry")
            .WithSimpleSchedule(schedule => schedule.WithInterval(DeviceOptions.SweepEveryOf(configuration)).RepeatForever())));
    }

    public static IEndpointRouteBuilder MapCommands(this IEndpointRouteBuilder routes)
    {
        CommandEndpoints.Map(routes);
        return routes;
    }
}
