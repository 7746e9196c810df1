using OpenTelemetry.Exporter;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Telemetry;

/// <summary>Section <c>Telemetry</c>.</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>
    /// A collector's base address, such as <c>http://collector:4318</c>; nothing is exported without one. <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is
    /// the same under its standard name; this setting goes before it.
    /// </summary>
    public string? OtlpEndpoint { get; set; }

    /// <summary><c>http/protobuf</c> or <c>grpc</c>; else what <c>OTEL_EXPORTER_OTLP_PROTOCOL</c> says, else http/protobuf.</summary>
    public string? OtlpProtocol { get; set; }
}

/// <summary>Where to export to, and how.</summary>
/// <param name="Address">The collector's base address; over HTTP each signal has a path below it.</param>
internal sealed record OtlpTarget(Uri Address, OtlpExportProtocol Protocol)
{
    private const string StandardEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string StandardProtocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
    private const string StandardSwitch = "OTEL_SDK_DISABLED";

    /// <summary>Null when nothing is to be exported. Read while services are registered, before there are options to inject.</summary>
    /// <exception cref="StartupException">An endpoint or protocol that is none.</exception>
    public static OtlpTarget? Find(IConfiguration configuration)
    {
        if (Read(configuration, $"{TelemetryOptions.Section}:{nameof(TelemetryOptions.OtlpEndpoint)}", StandardEndpoint) is not { } endpoint
            || string.Equals(configuration[StandardSwitch], "true", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var protocol = Read(configuration, $"{TelemetryOptions.Section}:{nameof(TelemetryOptions.OtlpProtocol)}", StandardProtocol);
        return new OtlpTarget(ParseAddress(endpoint.Name, endpoint.Value), ParseProtocol(protocol));
    }

    /// <param name="signal"><c>traces</c>, <c>metrics</c> or <c>logs</c>.</param>
    public void Apply(OtlpExporterOptions options, string signal)
    {
        options.Protocol = Protocol;
        options.Endpoint = Protocol == OtlpExportProtocol.Grpc ? Address : new Uri($"{Address.AbsoluteUri.TrimEnd('/')}/v1/{signal}");
    }

    private static (string Name, string Value)? Read(IConfiguration configuration, params string[] names) =>
        names.Select(n => (Name: n, Value: configuration[n])).FirstOrDefault(s => !string.IsNullOrWhiteSpace(s.Value)) is { Value: { } value } found
            ? (found.Name, value)
            : null;

    private static Uri ParseAddress(string setting, string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            throw new StartupException($"{setting} must be a URL such as http://collector:4318.");
        }

        // The text is not repeated: what stands there may be a password.
        return address.UserInfo.Length == 0 && address.Query.Length == 0 && address.Fragment.Length == 0
            ? address
            : throw new StartupException($"{setting} must not hold a password or a query: give those in the environment variable OTEL_EXPORTER_OTLP_HEADERS.");
    }

    private static OtlpExportProtocol ParseProtocol((string Name, string Value)? setting) => setting?.Value switch
    {
        null or "http/protobuf" => OtlpExportProtocol.HttpProtobuf,
        "grpc" => OtlpExportProtocol.Grpc,
        _ => throw new StartupException($"{setting?.Name} must be http/protobuf or grpc."),
    };
}
