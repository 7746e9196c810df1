using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.HttpOverrides;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Whose word is taken for a client's address and scheme (X-Forwarded-For, X-Forwarded-Proto): the loopback address and what
/// <c>Http:TrustedProxies</c> lists. Without it all clients of a proxy would count as one, and one of them could use up what all may.
/// </summary>
internal static class TrustedProxies
{
    public const string Setting = "Http:TrustedProxies";

    private static readonly char[] Separators = [',', ';', ' '];
    private static readonly string[] Settings = [Setting, ConnectionBounds.HttpSetting, ConnectionBounds.PerNetworkSetting];

    public static IServiceCollection AddTrustedProxies(this IServiceCollection services, IConfiguration configuration)
    {
        var networks = Parse(configuration);
        services.AddSingleton<UntrustedProxyWarning>();
        return services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            // The last entry is the trusted proxy's own; those before it are whatever the client sent.
            options.ForwardLimit = 1;
            foreach (var network in networks)
            {
                options.KnownIPNetworks.Add(network);
            }
        });
    }

    /// <exception cref="StartupException">An entry that is neither an address nor a network, or another key in section <c>Http</c>.</exception>
    public static IReadOnlyList<System.Net.IPNetwork> Parse(IConfiguration configuration)
    {
        var unknown = configuration.GetSection("Http").GetChildren().FirstOrDefault(s => !Settings.Contains(s.Path, StringComparer.OrdinalIgnoreCase));
        if (unknown is not null)
        {
            throw new StartupException($"The configuration section Http has no setting '{unknown.Key}'.");
        }

        // One text ("10.0.0.1, 172.16.0.0/12") or a list (Http:TrustedProxies:0).
        var section = configuration.GetSection(Setting);
        var texts = section.GetChildren().Select(s => s.Value).Prepend(section.Value).OfType<string>();
        return
        [
            .. texts.SelectMany(t => t.Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                .Select(ParseOne),
        ];
    }

    private static System.Net.IPNetwork ParseOne(string text)
    {
        // The parser drops what is set beyond the prefix: 10.0.0.1/8 would trust far more than its writer meant.
        if (System.Net.IPNetwork.TryParse(text, out var network) && IPAddress.Parse(text[..text.IndexOf('/', StringComparison.Ordinal)]).Equals(network.BaseAddress))
        {
            return network;
        }

        // "10.8" is an address to the parser (10.0.0.8), and none that anybody means.
        if (IPAddress.TryParse(text, out var address)
            && (address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text))
        {
            return new System.Net.IPNetwork(address, address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32);
        }

        throw new StartupException($"{Setting}: '{text}' is neither an IP address nor a network such as 10.0.0.0/8.");
    }
}
