using OpenTelemetry.Logs;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Telemetry;

internal static class TelemetryFeature
{
    /// <summary>Before everything that has a hosted service, so that the export starts before it and stops after it.</summary>
    public static IServiceCollection AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddValidatedOptions<TelemetryOptions>(TelemetryOptions.Section, _ => null);
        services.AddMetrics();
        services.AddSingleton<RefusedLogins>();
        if (OtlpTarget.Find(configuration) is { } target)
        {
            services.AddSingleton(target);
            services.AddHostedService<TelemetryExport>();
            services.AddLogging(logging => logging.AddOpenTelemetry(logs => ExportLogs(logs, target)));
        }

        return services.AddHostedService<GaugeInstruments>();
    }

    /// <summary>Without scopes: those hold the request's path. The trace and span ids go along without them.</summary>
    private static void ExportLogs(OpenTelemetryLoggerOptions logs, OtlpTarget target)
    {
        logs.IncludeFormattedMessage = true;
        logs.SetResourceBuilder(TelemetryExport.Resource());
        logs.AddOtlpExporter(options => target.Apply(options, "logs"));
    }
}
