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

/// <summary>
/// Connections that wait, bounded in all and per address. Who comes is always let in: where there are as many as may be, it is the one that
/// has waited longest that goes. So whoever fills the line pushes out mostly its own, and a client that is quick gets through.
/// Guarded by its owner's lock.
/// </summary>
internal sealed class WaitingLine(int most, int mostPerAddress)
{
    private readonly LinkedList<BrokerConnection> _all = [];
    private readonly Dictionary<RemoteAddress, LinkedList<BrokerConnection>> _byAddress = [];
    private readonly Dictionary<BrokerConnection, Place> _places = [];

    public int Count => _all.Count;

    /// <returns>Who has to go, taken out of the line already; null when there was room.</returns>
    public BrokerConnection? Add(BrokerConnection connection)
    {
        var own = connection.Address is { } address ? OwnLine(address) : null;
        var first = own?.Count >= mostPerAddress ? own.First : _all.Count >= most ? _all.First : null;
        var oldest = first?.Value;
        if (oldest is not null)
        {
            Remove(oldest);
            // It may have been the last of its address.
            own = connection.Address is { } same ? OwnLine(same) : null;
        }

        _places.Add(connection, new Place(_all.AddLast(connection), own?.AddLast(connection)));
        return oldest;
    }

    public bool Remove(BrokerConnection connection)
    {
        if (!_places.Remove(connection, out var place))
        {
            return false;
        }

        _all.Remove(place.InAll);
        if (place.InOwn?.List is { } own)
        {
            own.Remove(place.InOwn);
            if (own.Count == 0)
            {
                _byAddress.Remove(connection.Address!.Value);
            }
        }

        return true;
    }

    private LinkedList<BrokerConnection> OwnLine(RemoteAddress address)
    {
        if (!_byAddress.TryGetValue(address, out var own))
        {
            _byAddress.Add(address, own = []);
        }

        return own;
    }

    private readonly record struct Place(LinkedListNode<BrokerConnection> InAll, LinkedListNode<BrokerConnection>? InOwn);
}
