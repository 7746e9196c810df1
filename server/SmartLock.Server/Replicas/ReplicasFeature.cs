using Quartz;
using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Replicas;

/// <summary>
/// Several server processes on one store. Only on an outside broker, which all of them hear: with the embedded one a process is alone, and pays for none
/// of this.
/// </summary>
internal static class ReplicasFeature
{
    public static IServiceCollection AddReplicas(this IServiceCollection services, IConfiguration configuration)
    {
        var hasReplicas = MessagingFeature.ModeOf(configuration) is MqttMode.External;
        services.AddSingleton(new Hints(hasReplicas));
        services.AddSingleton<LostReplicas>();
        services.AddSingleton<CommandNews>();
        services.AddSingleton<SessionReview>();
        if (!hasReplicas)
        {
            return services;
        }

        services.AddSingleton<ReplicaId>();
        services.AddSingleton<HintCodec>();
        services.AddSingleton<JobLeases>();
        services.AddHostedService(provider => provider.GetRequiredService<JobLeases>());
        services.AddHostedService(provider => provider.GetRequiredService<CommandNews>());
        services.AddHostedService(provider => provider.GetRequiredService<SessionReview>());
        services.AddHostedService<HintReceiver>();
        services.AddHostedService<HintSender>();
        return services.AddQuartz(quartz => quartz.AddTriggerListener(provider => provider.GetRequiredService<JobLeases>()));
    }
}
