using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Where HTTP is served: <c>Urls</c>, else <c>PORT</c> on all addresses, else <see cref="DefaultUrl"/>. Bound in code, because
/// Kestrel passes over <c>Urls</c> as soon as any endpoint, such as the broker's, is bound in code.
/// </summary>
internal static class HttpEndpoints
{
    public const string DefaultUrl = "http://127.0.0.1:8000";

    private const string KestrelEndpoints = "Kestrel:Endpoints";
    private const int MaxBodyBytes = 64 * 1024;
    private const int MaxHeaderBytes = 16 * 1024;
    private static readonly TimeSpan HeadersWithin = TimeSpan.FromSeconds(15);

    public static IServiceCollection AddHttpEndpoints(this IServiceCollection services, IConfiguration configuration)
    {
        var addresses = Parse(configuration);
        services.AddSingleton(_ => BoundsOf(configuration));
        services.AddSingleton<HttpConnections>();
        BoundedListening.AddTo(services);
        return services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
            kestrel.Limits.RequestHeadersTimeout = HeadersWithin;
            foreach (var address in addresses)
            {
                Listen(kestrel, address);
            }

            foreach (var endpoint in addresses.Count > 0 ? [] : configuration.GetSection(KestrelEndpoints).GetChildren())
            {
                kestrel.ConfigurationLoader?.Endpoint(endpoint.Key, own => Bound(own.ListenOptions));
            }
        });
    }

    /// <summary>Where the started server answers; the first of several.</summary>
    public static Uri AddressOf(IServiceProvider services)
    {
        var addresses = services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.ToList();
        var configuration = services.GetRequiredService<IConfiguration>();

        // What is bound in code comes in its order, HTTP before the broker; Kestrel's own endpoints come after all that.
        var own = Parse(configuration).Count == 0 ? configuration.GetSection(KestrelEndpoints).GetChildren().Count() : addresses.Count;
        return new Uri(addresses[^own]);
    }

    /// <exception cref="StartupException">A URL or PORT that cannot be listened on.</exception>
    public static IReadOnlyList<BindingAddress> Parse(IConfiguration configuration)
    {
        if (configuration["urls"] is { Length: > 0 } urls)
        {
            return [.. urls.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(ParseUrl)];
        }

        if (configuration["PORT"] is { Length: > 0 } port)
        {
            return ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? [BindingAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"http://0.0.0.0:{number}"))]
                : throw new StartupException("PORT must be a number between 0 and 65535.");
        }

        // Endpoints under Kestrel:Endpoints are Kestrel's own to bind.
        return configuration.GetSection(KestrelEndpoints).Exists() ? [] : [BindingAddress.Parse(DefaultUrl)];
    }

    private static BindingAddress ParseUrl(string url)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException e)
        {
            throw new StartupException($"Urls: '{url}' is not a URL such as {DefaultUrl}.", e);
        }

        return address switch
        {
            { Scheme: not ("http" or "https") } => throw new StartupException($"Urls: '{url}' is neither http nor https."),
            { PathBase.Length: > 0 } => throw new StartupException($"Urls: '{url}' must not have a path."),
            { IsUnixPipe: false } when !IsBindable(address) =>
                throw new StartupException($"Urls: '{url}' must name an IP address, localhost or * as its host."),
            { Port: 0, Host: "localhost" } => throw new StartupException($"Urls: '{url}' needs an IP address to pick a free port."),
            _ => address,
        };
    }

    private static bool IsBindable(BindingAddress address) =>
        address.Host is "localhost" or "*" or "+" || IPAddress.TryParse(address.Host, out _);

    private static ConnectionBounds BoundsOf(IConfiguration configuration) => ConnectionBounds.Of(
        DescriptorLimit.Read(),
        configuration.GetValue<int?>(ConnectionBounds.HttpSetting),
        configuration.GetValue<int?>(ConnectionBounds.PerNetworkSetting),
        configuration.GetValue<int?>(ConnectionBounds.MqttSetting),
        IsBroker(configuration));

    /// <summary>Whether the process is its own MQTT broker; read here too, since both share the process.</summary>
    public static bool IsBroker(IConfiguration configuration) => !"External".Equals(configuration["Mqtt:Mode"], StringComparison.OrdinalIgnoreCase);

    private static void Bound(ListenOptions listen)
    {
        var connections = listen.ApplicationServices.GetRequiredService<HttpConnections>();
        listen.Use(next => connection => connections.ServeAsync(connection, next));
    }

    private static void UseHttps(ListenOptions listen, BindingAddress address)
    {
        try
        {
            listen.UseHttps();
        }
        catch (InvalidOperationException e)
        {
            throw new StartupException(
                $"Urls: '{address}' needs a certificate: set Kestrel:Certificates:Default:Path and Kestrel:Certificates:Default:KeyPath to its PEM files, or "
                + "serve http to a proxy that speaks https.",
                e);
        }
    }

    private static void Listen(KestrelServerOptions kestrel, BindingAddress address)
    {
        void UseScheme(ListenOptions listen)
        {
            Bound(listen);
            if (address.Scheme == "https")
            {
                UseHttps(listen, address);
            }
        }

        if (address.IsUnixPipe)
        {
            kestrel.ListenUnixSocket(address.UnixPipePath, UseScheme);
        }
        else if (IPAddress.TryParse(address.Host, out var ip))
        {
            kestrel.Listen(ip, address.Port, UseScheme);
        }
        else if (address.Host == "localhost")
        {
            kestrel.ListenLocalhost(address.Port, UseScheme);
        }
        else
        {
            kestrel.ListenAnyIP(address.Port, UseScheme);
        }
    }
}
