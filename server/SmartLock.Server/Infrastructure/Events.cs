namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Events of one kind, from the feature in which they happen to the features above it, which it does not know. Handlers run at once, on the
/// publisher's thread and in the order of their subscriptions: they only queue what is to be done.
/// </summary>
internal sealed class Events<T>
{
    private readonly System.Threading.Lock _gate = new();
    private Action<T>[] _handlers = [];

    /// <summary>For as long as the process lives: subscribers are singletons.</summary>
    public void Subscribe(Action<T> handler)
    {
        lock (_gate)
        {
            _handlers = [.. _handlers, handler];
        }
    }

    public void Publish(T happened)
    {
        foreach (var handler in Volatile.Read(ref _handlers))
        {
            handler(happened);
        }
    }
}
