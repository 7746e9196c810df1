using System.Text;
using SmartLock.Mqtt;

namespace SmartLock.Server.Messaging.External;

/// <summary>The client's subscriptions, and which of them a received message belongs to.</summary>
internal sealed class BrokerSubscriptions
{
    private readonly System.Threading.Lock _gate = new();
    private volatile Entry[] _entries = [];

    public IReadOnlyList<string> Filters => [.. _entries.Select(e => e.Subscription.Filter)];

    /// <summary>Call it before the broker is asked: a message may arrive before the SUBACK.</summary>
    public void Set(BrokerSubscription subscription)
    {
        lock (_gate)
        {
            _entries = [.. _entries.Where(e => e.Subscription.Filter != subscription.Filter), new Entry(subscription)];
        }
    }

    public BrokerSubscription? Find(string topic)
    {
        // A topic name has 65,535 bytes at most; the protocol's own have a few dozen.
        const int StackLimit = 256;
        var length = Encoding.UTF8.GetByteCount(topic);
        var bytes = length <= StackLimit ? stackalloc byte[StackLimit] : new byte[length];
        bytes = bytes[..Encoding.UTF8.GetBytes(topic, bytes)];
        foreach (var entry in _entries)
        {
            if (MqttTopicFilter.Matches(entry.Filter, bytes))
            {
                return entry.Subscription;
            }
        }

        return null;
    }

    private sealed class Entry(BrokerSubscription subscription)
    {
        public BrokerSubscription Subscription { get; } = subscription;

        /// <summary>Without the prefix <c>$share/group/</c>, which no topic has.</summary>
        public byte[] Filter { get; } = WithoutShare(Encoding.UTF8.GetBytes(subscription.Filter));

        private static byte[] WithoutShare(byte[] filter) =>
            MqttTopicFilter.TrySplitShared(filter, out _, out var inner) ? inner.ToArray() : filter;
    }
}
