using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace SmartLock.Mqtt.Broker;

public static class MqttBrokerServices
{
    /// <summary>
    /// One <see cref="MqttBroker"/> for the process. Register an <see cref="IMqttAuthenticator"/> and an <see cref="IMqttAuthorizer"/> as
    /// singletons beside it: without them nobody may connect, publish or subscribe.
    /// </summary>
    public static IServiceCollection AddMqttBroker(this IServiceCollection services, Action<MqttBrokerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<MqttBrokerOptions>()
            .Configure(o => configure?.Invoke(o))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<MqttBroker>();
        services.AddHostedService<BrokerLifetime>();
        return services;
    }
}

/// <summary>
/// Loads what is stored before any server listens, and stops the broker before any server stops: Kestrel would wait for connections that nobody told to go.
/// </summary>
internal sealed class BrokerLifetime(MqttBroker broker) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => broker.RestoreAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        broker.PublishOverdueWills();
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => broker.StopAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
