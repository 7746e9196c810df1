using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

/// <summary>The name leads nowhere that a webhook may go.</summary>
internal sealed class AddressRefusedException() : IOException("The address is not public.");

/// <summary>
/// Opens connections to URLs that users chose. The name is resolved here and the very address that was found good is connected to: a name
/// that answers differently the second time gains nothing.
/// </summary>
/// <param name="ownAddresses">This machine's, asked for at each connection: they come and go.</param>
internal sealed class GuardedConnections(IOptions<WebhookOptions> options, Func<IReadOnlyCollection<IPAddress>> ownAddresses)
{
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(5);
    private readonly IReadOnlyList<IPNetwork> _permitted = options.Value.PermittedNetworks();

    public GuardedConnections(IOptions<WebhookOptions> options)
        : this(options, FindOwnAddresses)
    {
    }

    /// <summary>
    /// A public address of this very machine is refused too: what reaches it from here has passed no firewall.
    /// </summary>
    public bool MayReach(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return _permitted.Any(n => n.Contains(plain)) || (PrivateNetworks.IsPublic(plain) && !ownAddresses().Contains(plain));
    }

    /// <summary>The setting of today counts, also for what was made under another.</summary>
    public bool MayCall(Uri url) => url.Scheme == Uri.UriSchemeHttps || (options.Value.AllowHttp && url.Scheme == Uri.UriSchemeHttp);

    /// <summary>Without a proxy, which would resolve names on its own; without redirects, which lead elsewhere; without a memory.</summary>
    public SocketsHttpHandler CreateHandler() => new()
    {
        ConnectCallback = ConnectAsync,
        ConnectTimeout = ConnectWithin,
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        MaxConnectionsPerServer = 8,
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 4 * 1024,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    };

    private static List<IPAddress> FindOwnAddresses() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)];

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var found = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, ct);
        var good = found.Where(MayReach).ToArray();
        if (good.Length == 0)
        {
            throw new AddressRefusedException();
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(good, context.DnsEndPoint.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
