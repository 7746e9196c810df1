using System.Net;
using System.Net.Sockets;

namespace SmartLock.Server.Infrastructure;

internal static class ClientAddress
{
    private const int Ipv6NetworkBytes = 8;
    private const int Ipv6SiteBytes = 6;
    private const int Ipv4NetworkBytes = 3;

    /// <summary>Who is counted as one client: an IPv4 address, or the /64 network that an IPv6 customer is given.</summary>
    public static string Of(HttpContext context) => Of(context.Connection.RemoteIpAddress);

    public static string Of(IPAddress? address)
    {
        if (address is null)
        {
            return "local";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4().ToString();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address.ToString();
        }

        return Cut(address, Ipv6NetworkBytes).ToString();
    }

    /// <summary>
    /// The wider network of what <see cref="Of(HttpContext)"/> gave: of IPv6 the /48 that one customer may have many /64 of; of IPv4 the /24. For turns and
    /// habits, not for refusals: neighbours are in it.
    /// </summary>
    public static string NetworkOf(string client) =>
        IPAddress.TryParse(client, out var address)
            ? $"{Cut(address, address.AddressFamily == AddressFamily.InterNetworkV6 ? Ipv6SiteBytes : Ipv4NetworkBytes)}/"
            : client;

    private static IPAddress Cut(IPAddress address, int bytes)
    {
        var all = address.GetAddressBytes();
        Array.Clear(all, bytes, all.Length - bytes);
        return new IPAddress(all);
    }
}
