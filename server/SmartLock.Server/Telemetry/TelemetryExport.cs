using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace SmartLock.Server.Telemetry;

/// <summary>Sends spans and metrics to the collector for as long as the server runs. First to start and last to stop, so that it misses nothing.</summary>
internal sealed class TelemetryExport(OtlpTarget target) : IHostedService, IDisposable
{
    // A collector that is gone must not hold up the server's end.
    private const int FlushMilliseconds = 3_000;

    private const string OutgoingHttp = "System.Net.Http";

    private static readonly string[] Meters =
    [
        TelemetryNames.Source,
        TelemetryNames.BrokerMeter,
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.RateLimiting",
        OutgoingHttp,
        "System.Runtime",
    ];

    /// <summary>
    /// Users choose where webhooks lead: with the receivers' names and addresses, as many as anybody makes up, these metrics would have no bound.
    /// </summary>
    private static readonly MetricStreamConfiguration WithoutAddresses = new()
    {
        TagKeys = ["http.request.method", "http.response.status_code", "url.scheme", "error.type", "network.protocol.version", "http.connection.state"],
    };

    private TracerProvider? _spans;
    private MeterProvider? _metrics;

    /// <summary>What the environment says (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) goes before the server's own word.</summary>
    public static ResourceBuilder Resource() => ResourceBuilder.CreateEmpty()
        .AddService("smartlock", serviceVersion: typeof(TelemetryExport).Assembly.GetName().Version?.ToString(3))
        .AddTelemetrySdk()
        .AddEnvironmentVariableDetector();

    /// <summary>
    /// Spans of requests, of this server's own work and of outgoing calls. Probes of the server's health get none, and neither does what they call.
    /// </summary>
    public static TracerProviderBuilder Spans() => Sdk.CreateTracerProviderBuilder()
        .AddSource(TelemetryNames.Source, OutgoingHttp)
        .AddAspNetCoreInstrumentation(options => options.Filter = context => !context.Request.Path.StartsWithSegments("/health"))
        .AddProcessor(new SpanTidying());

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _spans = Spans()
            .SetResourceBuilder(Resource())
            .AddOtlpExporter(options => target.Apply(options, "traces"))
            .Build();
        _metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(Resource())
            .AddMeter(Meters)
            .AddView(instrument => instrument.Meter.Name == OutgoingHttp ? WithoutAddresses : null)
            .AddOtlpExporter(options => target.Apply(options, "metrics"))
            .Build();
        return Task.CompletedTask;
    }

    /// <summary>The exporters block while they send what is left: not on a thread that others wait for.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Task.Run(() => _spans?.Shutdown(FlushMilliseconds), CancellationToken.None),
        Task.Run(() => _metrics?.Shutdown(FlushMilliseconds), CancellationToken.None));

    public void Dispose()
    {
        _spans?.Dispose();
        _metrics?.Dispose();
    }
}
