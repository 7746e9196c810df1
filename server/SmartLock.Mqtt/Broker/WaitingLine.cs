namespace SmartLock.Mqtt.Broker;

/// <summary>
/// Connections that wait, bounded in all and per address. Who comes is always let in: where there are as many as may be, it is the one that
/// has waited longest that goes. So whoever fills the line pushes out mostly its own, and a client that is quick gets through.
/// Guarded by its owner's lock.
/// </summary>
internal sealed class WaitingLine<T>(int most, int mostPerAddress)
    where T : class
{
    private readonly LinkedList<T> _all = [];
    private readonly Dictionary<RemoteAddress, LinkedList<T>> _byAddress = [];
    private readonly Dictionary<T, Place> _places = [];

    public int Count => _all.Count;

    /// <returns>Who has to go, taken out of the line already; null when there was room.</returns>
    public T? Add(T connection, RemoteAddress? from)
    {
        var own = from is { } address ? OwnLine(address) : null;
        var first = own?.Count >= mostPerAddress ? own.First : _all.Count >= most ? _all.First : null;
        var oldest = first?.Value;
        if (oldest is not null)
        {
            Remove(oldest);
            // It may have been the last of its address.
            own = from is { } same ? OwnLine(same) : null;
        }

        _places.Add(connection, new Place(_all.AddLast(connection), own?.AddLast(connection), from));
        return oldest;
    }

    public bool Remove(T connection)
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
                _byAddress.Remove(place.From!.Value);
            }
        }

        return true;
    }

    private LinkedList<T> OwnLine(RemoteAddress address)
    {
        if (!_byAddress.TryGetValue(address, out var own))
        {
            _byAddress.Add(address, own = []);
        }

        return own;
    }

    private readonly record struct Place(LinkedListNode<T> InAll, LinkedListNode<T>? InOwn, RemoteAddress? From);
}
