using System.Net;
using System.Net.Sockets;

namespace SmartLock.Server.Infrastructure;

internal static class ClientAddress
{
    private const int Ipv6NetworkBytes = 8;

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

        var bytes = address.GetAddressBytes();
        Array.Clear(bytes, Ipv6NetworkBytes, bytes.Length - Ipv6NetworkBytes);
        return new IPAddress(bytes).ToString();
    }
}
