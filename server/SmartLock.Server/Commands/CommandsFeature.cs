using Quartz;

namespace SmartLock.Server.Commands;

internal static class CommandsFeature
{
    private static readonly TimeSpan ExpireEvery = TimeSpan.FromSeconds(10);

    public static IServiceCollection AddCommands(this IServiceCollection services)
    {
        services.AddSingleton<VerdictWaiters>();
        services.AddSingleton<CommandDispatch>();
        services.AddSingleton<CommandExpiry>();
        return services.AddQuartz(quartz => quartz.ScheduleJob<CommandExpiry>(trigger => trigger
            .WithIdentity("command-expiry")
            .WithSimpleSchedule(schedule => schedule.WithInterval(ExpireEvery).RepeatForever())));
    }

    public static IEndpointRouteBuilder MapCommands(this IEndpointRouteBuilder routes)
    {
        CommandEndpoints.Map(routes);
        return routes;
    }
}
