using System.Diagnostics.Metrics;

namespace SmartLock.Server.Telemetry;

/// <summary>A number that is read when somebody collects metrics, and costs nothing while nobody does.</summary>
internal sealed record Gauge(string Name, string Unit, string Description, Func<long> Read);

internal static class Gauges
{
    /// <param name="read">Called on a collector's thread, every few seconds at most; must not block on I/O.</param>
    public static IServiceCollection AddGauge<T>(this IServiceCollection services, string name, string unit, string description, Func<T, long> read)
        where T : class =>
        services.AddSingleton(provider => new Gauge(name, unit, description, () => read(provider.GetRequiredService<T>())));
}

/// <summary>Makes an instrument of every gauge that a feature registered.</summary>
internal sealed class GaugeInstruments(IEnumerable<Gauge> gauges, IMeterFactory meters) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var meter = meters.Create(TelemetryNames.Source);
        foreach (var gauge in gauges)
        {
            meter.CreateObservableUpDownCounter(gauge.Name, gauge.Read, gauge.Unit, gauge.Description);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
