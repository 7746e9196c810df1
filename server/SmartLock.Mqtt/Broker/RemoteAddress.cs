using System.Net;
using System.Net.Sockets;

namespace SmartLock.Mqtt.Broker;

/// <summary>Who counts as one: an IPv4 address, or the /64 network that an IPv6 customer is given.</summary>
internal readonly record struct RemoteAddress(AddressFamily Family, ulong Prefix)
{
    /// <returns>Null where there is no address: in memory, over a Unix socket.</returns>
    public static RemoteAddress? Of(EndPoint? endPoint)
    {
        if (endPoint is not IPEndPoint { Address: var address })
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[16];
        var known = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (!known.TryWriteBytes(bytes, out _))
        {
            return null;
        }

        var prefix = known.AddressFamily == AddressFamily.InterNetworkV6
            ? BitConverter.ToUInt64(bytes)
            : BitConverter.ToUInt32(bytes);
        return new RemoteAddress(known.AddressFamily, prefix);
    }
}
