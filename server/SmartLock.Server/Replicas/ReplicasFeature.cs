using Quartz;
using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Replicas;

/// <summary>
/// Several server processes on one store. Only on an outside broker, which all of them connect to: with the embedded one a process is alone, and none of this runs.
/// </summary>
internal static class ReplicasFeature
{
    public static IServiceCollection AddReplicas(this IServiceCollection services, IConfiguration configuration)
    {
        if (MessagingFeature.ModeOf(configuration) is not MqttMode.External)
        {
            return services;
        }

        services.AddSingleton<InvalidationQueue>();
        services.AddSingleton<VerdictPolling>();
        services.AddSingleton<SessionRevalidation>();
        services.AddSingleton<ReplicaId>();
        services.AddSingleton<InvalidationCodec>();
        services.AddSingleton<JobLeases>();
        services.AddHostedService(provider => provider.GetRequiredService<JobLeases>());
        services.AddHostedService(provider => provider.GetRequiredService<VerdictPolling>());
        services.AddHostedService(provider => provider.GetRequiredService<SessionRevalidation>());
        services.AddHostedService<InvalidationReceiver>();
        services.AddHostedService<InvalidationSender>();
        return services.AddQuartz(quartz => quartz.AddTriggerListener(provider => provider.GetRequiredService<JobLeases>()));
    }
}
