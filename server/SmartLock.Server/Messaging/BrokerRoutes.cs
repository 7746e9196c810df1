using System.Text;
using SmartLock.Mqtt;

namespace SmartLock.Server.Messaging;

/// <summary>Which subscription a message on a client's one connection is for.</summary>
internal sealed class BrokerRoutes
{
    private readonly System.Threading.Lock _gate = new();
    private volatile Route[] _routes = [];

    public IReadOnlyList<string> Filters => [.. _routes.Select(r => r.Subscription.Filter)];

    /// <summary>Before the broker is asked: a message may overtake its answer.</summary>
    public void Set(BrokerSubscription subscription)
    {
        lock (_gate)
        {
            _routes = [.. _routes.Where(r => r.Subscription.Filter != subscription.Filter), new Route(subscription)];
        }
    }

    public BrokerSubscription? Find(string topic)
    {
        // A topic name has 65,535 bytes at most; the protocol's own have a few dozen.
        const int StackLimit = 256;
        var length = Encoding.UTF8.GetByteCount(topic);
        var bytes = length <= StackLimit ? stackalloc byte[StackLimit] : new byte[length];
        bytes = bytes[..Encoding.UTF8.GetBytes(topic, bytes)];
        foreach (var route in _routes)
        {
            if (MqttTopicFilter.Matches(route.Filter, bytes))
            {
                return route.Subscription;
            }
        }

        return null;
    }

    private sealed class Route(BrokerSubscription subscription)
    {
        public BrokerSubscription Subscription { get; } = subscription;

        /// <summary>Without the shared subscription's prefix, which no topic has.</summary>
        public byte[] Filter { get; } = Inner(Encoding.UTF8.GetBytes(subscription.Filter));

        private static byte[] Inner(byte[] filter) =>
            MqttTopicFilter.TrySplitShared(filter, out _, out var inner) ? inner.ToArray() : filter;
    }
}
